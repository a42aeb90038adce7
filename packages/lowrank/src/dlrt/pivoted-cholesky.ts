/** Cholesky factorisation with diagonal pivoting, stopped where what is left is rounding (Higham 2002, 10.3). */
import { matrix, type Matrix } from '@ockham/core/linalg';

/** Options of {@link pivotedInverse}. */
export interface PivotOptions {
  /** Largest rank. */
  readonly most: number;
  /** A pivot of this size or less ends it. */
  readonly least: number;
}

/** What {@link pivotedInverse} returns. */
export interface PivotedInverse {
  /** T `[d, rank]` with Tᵀ A T = I. */
  readonly inverse: Matrix;
  /** R `[rank, d]` with A ≈ RᵀR, columns in the order of A's. */
  readonly factor: Matrix;
}

/**
 * T with Tᵀ A T = I for the pivots of a symmetric positive semi-definite A `[d, d]`.
 *
 * @param a A; overwritten.
 * @returns Nothing where no pivot is large enough.
 */
export function pivotedInverse(
  a: Float64Array,
  d: number,
  options: PivotOptions,
): PivotedInverse | undefined {
  const { most, least } = options;
  const order = Int32Array.from({ length: d }, (_, i) => i);
  const factor = new Float64Array(most * d);
  let rank = 0;
  for (; rank < most; rank++) {
    let at = rank;
    for (let i = rank + 1; i < d; i++) if (a[order[i]! * (d + 1)]! > a[order[at]! * (d + 1)]!) at = i;
    const pivot = order[at]!;
    const value = a[pivot * (d + 1)]!;
    if (!(value > least)) break;
    order[at] = order[rank]!;
    order[rank] = pivot;
    const root = Math.sqrt(value);
    const column = rank * d;
    factor[column + pivot] = root;
    for (let i = rank + 1; i < d; i++) factor[column + order[i]!] = a[pivot * d + order[i]!]! / root;
    for (let i = rank + 1; i < d; i++) {
      const row = order[i]! * d;
      const c = factor[column + order[i]!]!;
      if (c === 0) continue;
      for (let j = 0; j < d; j++) a[row + j]! -= c * factor[column + j]!;
    }
  }
  if (rank === 0) return undefined;
  return {
    inverse: inverseTransposed(factor, order, d, rank),
    factor: matrix(rank, d, factor.slice(0, rank * d)),
  };
}

/** R⁻¹ on the rows of the pivots, zeros elsewhere, by back substitution a row of all columns at a time. */
function inverseTransposed(factor: Float64Array, order: Int32Array, d: number, rank: number): Matrix {
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
  const made = matrix(d, rank);
  for (let i = 0; i < rank; i++) made.values.set(rows.subarray(i * rank, (i + 1) * rank), order[i]! * rank);
  return made;
}
