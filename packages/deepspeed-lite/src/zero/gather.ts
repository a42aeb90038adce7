/** Brings parts of the flat vector, of which every rank has a share, into the variables of a block. */
import type { Communicator } from '@ockham/core/comm';
import type { Program } from '../program/cut-model.ts';
import { shareOfRank, type FlatLayout } from './flat-layout.ts';
import { eachEntry, fillVariable } from './flat-variables.ts';
import { neededRanges, type Range } from './shares.ts';

/** Turns values into those that a variable gets, for storage in less precision. In place. */
export type Store = (values: Float32Array) => void;

/**
 * Gathers the parameters of blocks from the ranks' shares, one block ahead of the one that is computed: two buffers of the largest
 * block's size take turns, so that nothing is allocated while training.
 */
export class BlockGather {
  readonly #comm: Communicator;
  readonly #program: Program;
  readonly #layout: FlatLayout;
  readonly #needed: readonly (readonly Range[])[];
  readonly #buffers: readonly Float32Array[];
  readonly #store: Store | undefined;
  readonly #coming = new Map<number, Promise<Float32Array>>();
  #turn = 0;

  private constructor(
    comm: Communicator,
    program: Program,
    layout: FlatLayout,
    needed: readonly (readonly Range[])[],
    buffers: readonly Float32Array[],
    store: Store | undefined,
  ) {
    [this.#comm, this.#program, this.#layout, this.#buffers, this.#store] = [
      comm,
      program,
      layout,
      buffers,
      store,
    ];
    this.#needed = needed;
  }

  /** Collective. */
  static async create(
    comm: Communicator,
    program: Program,
    layout: FlatLayout,
    zero: number,
    store?: Store,
  ): Promise<BlockGather> {
    const needed = neededRanges(program, layout, zero);
    const longest = longestGather(needed);
    const buffers = [await comm.alloc('float32', longest), await comm.alloc('float32', longest)];
    return new BlockGather(comm, program, layout, needed, buffers, store);
  }

  /** Of the two buffers. */
  get bytes(): number {
    return this.#buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Starts to gather a block, unless that is under way. Collective; at most two blocks at a time. */
  start(i: number, share: Float32Array): void {
    if (this.#coming.has(i)) return;
    const buffer = this.#buffers[this.#turn++ % 2]!;
    const [first, last] = shareOfRank(this.#layout, this.#comm.rank);
    let at = 0;
    const parts = this.#needed[i]!.map(({ begin, end }) => {
      const into = buffer.subarray(at, (at += end - begin));
      const from = Math.max(begin, first);
      const own = share.subarray(from - first, Math.max(from, Math.min(end, last)) - first);
      return this.#comm.allGather(own, into);
    });
    const coming = Promise.all(parts).then(() => buffer);
    coming.catch(() => undefined); // whoever awaits it gets the error
    this.#coming.set(i, coming);
  }

  /** Waits for a block and fills its variables. Collective where it was not started. */
  async finish(i: number, share: Float32Array): Promise<void> {
    this.start(i, share);
    const buffer = await this.#coming.get(i)!;
    this.#coming.delete(i);
    let at = 0;
    for (const { begin, end } of this.#needed[i]!) {
      eachEntry(this.#layout, begin, end, (_, index, from, to) => {
        const values = buffer.subarray(at + from - begin, at + to - begin);
        this.#store?.(values);
        fillVariable(this.#program.variables[index]!, values);
      });
      at += end - begin;
    }
  }

  /** Collective. */
  async free(): Promise<void> {
    for (const buffer of this.#buffers) await this.#comm.free(buffer);
  }
}

/** Elements of the largest block with what it shares. */
export function longestGather(needed: readonly (readonly Range[])[]): number {
  return Math.max(...needed.map((ranges) => ranges.reduce((sum, { begin, end }) => sum + end - begin, 0)));
}
