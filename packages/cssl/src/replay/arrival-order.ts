import { grown } from './grown.ts';

const NONE = -1;

/** Slots in the order in which their records came: a list linked both ways. */
export class ArrivalOrder {
  #older = new Int32Array(0);
  #newer = new Int32Array(0);
  #oldest = NONE;
  #newest = NONE;

  /** Makes room for slots below `room`. */
  reserve(room: number): void {
    this.#older = grown(this.#older, room);
    this.#newer = grown(this.#newer, room);
  }

  get oldest(): number {
    return this.#oldest;
  }

  push(slot: number): void {
    this.#join(this.#newest, slot);
    this.#join(slot, NONE);
  }

  remove(slot: number): void {
    this.#join(this.#older[slot]!, this.#newer[slot]!);
  }

  /** Gives the place of one slot to another, free one. */
  move(from: number, to: number): void {
    this.#join(this.#older[from]!, to);
    this.#join(to, this.#newer[from]!);
  }

  /** Of `size` slots, the oldest first. */
  toArray(size: number): Int32Array {
    const order = new Int32Array(size);
    for (let i = 0, slot = this.#oldest; i < size; i++, slot = this.#newer[slot]!) order[i] = slot;
    return order;
  }

  #join(older: number, newer: number): void {
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
  }
}
