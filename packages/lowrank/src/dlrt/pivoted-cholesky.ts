/** Cholesky factorisation with diagonal pivoting, stopped where what is left is rounding (Higham 2002, 10.3). */

/** Options of {@link pivotedInverse}. */
export interface PivotOptions {
  /** So many first columns are taken as they come. */
  readonly leading: number;
  /** Largest rank. */
  readonly most: number;
  /** A pivot of this size or less ends it, after the leading ones. */
  readonly least: number;
}

/** What {@link pivotedInverse} returns. */
export interface PivotedInverse {
  /** T `[d, rank]` with Tᵀ A T = I. */
  readonly inverse: Float32Array;
  readonly rank: number;
  /** Row k: column k of the factor L, by the original order of A's rows. */
  readonly factor: Float64Array;
}

/**
 * T with Tᵀ A T = I for the pivots of a symmetric positive semi-definite A `[d, d]`.
 *
 * @param gram A; overwritten.
 */
export function pivotedInverse(gram: Float64Array, d: number, options: PivotOptions): PivotedInverse {
  const { leading, most, least } = options;
  const order = Int32Array.from({ length: d }, (_, i) => i);
  const factor = new Float64Array(most * d);
  let rank = 0;
  for (; rank < most; rank++) {
    let at = rank;
    if (rank >= leading) {
      for (let i = rank + 1; i < d; i++) {
        if (gram[order[i]! * (d + 1)]! > gram[order[at]! * (d + 1)]!) at = i;
      }
    }
    const pivot = order[at]!;
    const value = gram[pivot * (d + 1)]!;
    if (rank >= leading && !(value > least)) break;
    order[at] = order[rank]!;
    order[rank] = pivot;
    const root = Math.sqrt(value);
    const column = rank * d;
    factor[column + pivot] = root;
    for (let i = rank + 1; i < d; i++) factor[column + order[i]!] = gram[pivot * d + order[i]!]! / root;
    for (let i = rank + 1; i < d; i++) {
      const row = order[i]! * d;
      const c = factor[column + order[i]!]!;
      if (c === 0) continue;
      for (let j = 0; j < d; j++) gram[row + j]! -= c * factor[column + j]!;
    }
  }
  return { inverse: inverseTransposed(factor, order, d, rank), rank, factor };
}

/** L⁻ᵀ on the rows of the pivots, zeros elsewhere, by back substitution a row of all columns at a time. */
function inverseTransposed(factor: Float64Array, order: Int32Array, d: number, rank: number): Float32Array {
  const rows = new Float64Array(rank * rank);
  for (let i = rank - 1; i >= 0; i--) {
    const row = i * rank;
    rows[row + i] = 1;
    for (let k = i + 1; k < rank; k++) {
      const c = factor[i * d + order[k]!]!;
      if (c === 0) continue;
      for (let j = k; j < rank; j++) rows[row + j]! -= c * rows[k * rank + j]!;
    }
    const root = factor[i * d + order[i]!]!;
    for (let j = i; j < rank; j++) rows[row + j]! /= root;
  }
  const made = new Float32Array(d * rank);
  for (let i = 0; i < rank; i++) made.set(rows.subarray(i * rank, (i + 1) * rank), order[i]! * rank);
  return made;
}
