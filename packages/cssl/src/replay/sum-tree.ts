/**
 * Non-negative weights of slots, drawn in proportion: a binary tree whose nodes hold the sums of their two children.
 * A change and a draw cost log₂ of the capacity. Sums are always formed anew from the children, so they do not drift,
 * and the same weights give the same tree whatever came before.
 */
export class SumTree {
  #leaves = 1;
  #sums = new Float64Array(2); // node 1 is the root, the children of i are 2i and 2i + 1

  /** Makes room for slots below `room`; what follows does not depend on when. */
  reserve(room: number): void {
    const former = this.#sums.subarray(this.#leaves);
    const leaves = 2 ** Math.ceil(Math.log2(Math.max(1, room)));
    if (leaves <= this.#leaves) return;
    const sums = new Float64Array(2 * leaves);
    sums.set(former, leaves);
    for (let node = leaves - 1; node >= 1; node--) sums[node] = sums[2 * node]! + sums[2 * node + 1]!;
    this.#leaves = leaves;
    this.#sums = sums;
  }

  get total(): number {
    return this.#sums[1]!;
  }

  get(slot: number): number {
    return this.#sums[this.#leaves + slot]!;
  }

  set(slot: number, weight: number): void {
    const sums = this.#sums;
    let node = this.#leaves + slot;
    sums[node] = weight;
    for (node >>= 1; node >= 1; node >>= 1) sums[node] = sums[2 * node]! + sums[2 * node + 1]!;
  }

  /** The slot in whose share of the weights `point`, in [0, total), falls. */
  find(point: number): number {
    const sums = this.#sums;
    let node = 1;
    while (node < this.#leaves) {
      node *= 2;
      // rounding may leave `point` at the very end: never step into a child without weight
      if (point >= sums[node]! && sums[node + 1]! > 0) {
        point -= sums[node]!;
        node += 1;
      }
    }
    return node - this.#leaves;
  }
}
