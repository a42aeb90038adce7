/** Cholesky factorisation with diagonal pivoting, stopped where what is left is rounding (Higham 2002, 10.3). */

/** What {@link pivotedInverse} returns. */
export interface PivotedInverse {
  /** T `[d, rank]` with Tᵀ A T = I. */
  readonly inverse: Float64Array;
  readonly rank: number;
}

/**
 * T with Tᵀ A T = I for the leading pivots of a symmetric positive semi-definite A `[d, d]`.
 *
 * @param gram A; overwritten.
 * @param most Largest rank.
 * @param least A pivot of this size or less ends it.
 */
export function pivotedInverse(gram: Float64Array, d: number, most: number, least: number): PivotedInverse {
  const order = Int32Array.from({ length: d }, (_, i) => i);
  const factor = new Float64Array(most * d); // row k: column k of L, by original index
  let rank = 0;
  for (; rank < most; rank++) {
    let at = rank;
    for (let i = rank + 1; i < d; i++) {
      if (gram[order[i]! * d + order[i]!]! > gram[order[at]! * d + order[at]!]!) at = i;
    }
    const pivot = order[at]!;
    const value = gram[pivot * d + pivot]!;
    if (!(value > least)) break;
    order[at] = order[rank]!;
    order[rank] = pivot;
    const root = Math.sqrt(value);
    const column = factor.subarray(rank * d, (rank + 1) * d);
    column[pivot] = root;
    for (let i = rank + 1; i < d; i++) column[order[i]!] = gram[order[i]! * d + pivot]! / root;
    for (let i = rank + 1; i < d; i++) {
      const row = order[i]! * d;
      const c = column[order[i]!]!;
      for (let j = rank + 1; j < d; j++) gram[row + order[j]!]! -= c * column[order[j]!]!;
    }
  }
  return { inverse: inverseTransposed(factor, order, d, rank), rank };
}

/** L⁻ᵀ on the rows of the pivots, zeros elsewhere. */
function inverseTransposed(factor: Float64Array, order: Int32Array, d: number, rank: number): Float64Array {
  const made = new Float64Array(d * rank);
  for (let j = 0; j < rank; j++) {
    // column j of L⁻ᵀ: back substitution of Lᵀ t = e_j, rows j, j − 1, …, 0
    for (let i = j; i >= 0; i--) {
      let sum = i === j ? 1 : 0;
      for (let k = i + 1; k <= j; k++) sum -= factor[i * d + order[k]!]! * made[order[k]! * rank + j]!;
      made[order[i]! * rank + j] = sum / factor[i * d + order[i]!]!;
    }
  }
  return made;
}
