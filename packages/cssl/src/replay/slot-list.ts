const CHUNK = 32;

/** Slots by place, grown and shrunk at the end in chunks of 32, so that no step costs more than one chunk. */
export class SlotList {
  #size = 0;
  readonly #chunks: Int32Array[] = [];

  get size(): number {
    return this.#size;
  }

  at(place: number): number {
    return this.#chunks[Math.floor(place / CHUNK)]![place % CHUNK]!;
  }

  set(place: number, slot: number): void {
    this.#chunks[Math.floor(place / CHUNK)]![place % CHUNK] = slot;
  }

  push(slot: number): void {
    if (this.#size === this.#chunks.length * CHUNK) this.#chunks.push(new Int32Array(CHUNK));
    this.#size += 1;
    this.set(this.#size - 1, slot);
  }

  pop(): number {
    const slot = this.at(this.#size - 1);
    this.#size -= 1;
    // one chunk is kept spare: a class that goes to and fro at a boundary allocates nothing
    if (this.#chunks.length * CHUNK - this.#size > 2 * CHUNK) this.#chunks.pop();
    return slot;
  }
}
