import { Random } from '@ockham/core/random';

/** A generator whose draws are given, whatever is asked for. */
export class ScriptedRandom extends Random {
  readonly #draws: number[];

  constructor(draws: readonly number[]) {
    super(0);
    this.#draws = [...draws];
  }

  /** Draws that nobody asked for. */
  get left(): number {
    return this.#draws.length;
  }

  override uniform(): number {
    return this.#next();
  }

  override integer(): number {
    return this.#next();
  }

  override beta(): number {
    return this.#next();
  }

  #next(): number {
    const draw = this.#draws.shift();
    if (draw === undefined) throw new Error('The script of draws has ended.');
    return draw;
  }
}
