/**
 * Room for arrays that come and go in the same sizes with every update, in one piece, so that memory does not break up (Rajbhandari et
 * al. 2020, section 6.3).
 *
 * Deviations: how much is needed is learnt while the first update runs, with arrays of their own; from then on they lie in one buffer,
 * and nothing is allocated any more.
 */
export class ContiguousBuffer {
  readonly #free = new Map<number, Float32Array[]>();
  /** How many there are of a length. */
  readonly #made = new Map<number, number>();
  #settled = false;

  /** Bytes, in use or not. */
  get bytes(): number {
    let elements = 0;
    for (const [length, count] of this.#made) elements += length * count;
    return 4 * elements;
  }

  /** An array of that length, of whatever values. Between two calls of {@link settle} new lengths may come. */
  take(length: number): Float32Array {
    const free = this.#free.get(length)?.pop();
    if (free) return free;
    this.#made.set(length, (this.#made.get(length) ?? 0) + 1);
    this.#settled = false;
    return new Float32Array(length);
  }

  /** Takes an array back. */
  give(array: Float32Array): void {
    const free = this.#free.get(array.length) ?? [];
    free.push(array);
    this.#free.set(array.length, free);
  }

  /** Lays everything in one buffer, where that is not so. Nothing may be in use. */
  settle(): void {
    if (this.#settled) return;
    const all = new Float32Array(this.bytes / 4);
    let at = 0;
    for (const [length, count] of this.#made)
      this.#free.set(
        length,
        Array.from({ length: count }, () => all.subarray(at, (at += length))),
      );
    this.#settled = true;
  }
}
