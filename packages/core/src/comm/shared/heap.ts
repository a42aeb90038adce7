/** Hands out parts of [begin, end) by first fit: what one rank allocates of the shared memory, so that no lock is needed. */
export class Heap {
  /** What is free, in order, no two adjacent. */
  #free: [at: number, bytes: number][];
  readonly #taken = new Map<number, number>();

  constructor(begin: number, end: number) {
    this.#free = [[begin, end - begin]];
  }

  /** The largest part that could be had. */
  get largest(): number {
    return this.#free.reduce((most, [, bytes]) => Math.max(most, bytes), 0);
  }

  /** An address, a multiple of 64; 0 if there is no room. */
  alloc(bytes: number): number {
    const size = Math.max(64, 64 * Math.ceil(bytes / 64));
    const i = this.#free.findIndex(([, room]) => room >= size);
    const found = this.#free[i];
    if (!found) return 0;
    const [at, room] = found;
    if (room === size) this.#free.splice(i, 1);
    else this.#free[i] = [at + size, room - size];
    this.#taken.set(at, size);
    return at;
  }

  /** Gives a part back; false if it is none that was handed out. */
  free(at: number): boolean {
    const size = this.#taken.get(at);
    if (size === undefined) return false;
    this.#taken.delete(at);
    const parts = [...this.#free, [at, size] as [number, number]].sort(([a], [b]) => a - b);
    this.#free = [];
    for (const [start, bytes] of parts) {
      const last = this.#free.at(-1);
      if (last && last[0] + last[1] === start) last[1] += bytes;
      else this.#free.push([start, bytes]);
    }
    return true;
  }
}
