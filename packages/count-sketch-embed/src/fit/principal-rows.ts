/**
 * The best table of k numbers a token and one matrix k → D, for rows that weigh differently: the leading eigenvectors of
 * Σ_x w_x W_x W_xᵀ.
 *
 * Source: Eckart and Young 1936.
 */
import { eigh, matrix } from '@ockham/core/linalg';

/** W ≈ rows · basis + centre. */
export interface PrincipalRows {
  /** `[n, k]`. */
  readonly rows: Float32Array;
  /** `[k, D]`, orthonormal. */
  readonly basis: Float32Array;
  /** The weighted mean `[D]`; zeros where the rows are not centred. */
  readonly centre: Float32Array;
}

/** @param table `[n, D]`; `weights` `[n]`; k ≤ D. */
export function principalRows(
  table: Float32Array,
  weights: Float64Array,
  k: number,
  centred: boolean,
): PrincipalRows {
  const n = weights.length;
  const D = table.length / n;
  const centre = new Float64Array(D);
  if (centred) {
    const total = weights.reduce((a, b) => a + b, 0);
    for (let x = 0; x < n; x++)
      for (let j = 0; j < D; j++) centre[j]! += (weights[x]! / total) * table[x * D + j]!;
  }
  const moment = matrix(D, D);
  for (let x = 0; x < n; x++) {
    for (let i = 0; i < D; i++) {
      const scaled = weights[x]! * (table[x * D + i]! - centre[i]!);
      for (let j = 0; j <= i; j++) moment.values[i * D + j]! += scaled * (table[x * D + j]! - centre[j]!);
    }
  }
  for (let i = 0; i < D; i++)
    for (let j = 0; j < i; j++) moment.values[j * D + i] = moment.values[i * D + j]!;
  const { vectors } = eigh(moment); // increasing eigenvalues
  const basis = new Float32Array(k * D);
  for (let c = 0; c < k; c++)
    for (let j = 0; j < D; j++) basis[c * D + j] = vectors.values[j * D + D - 1 - c]!;
  const rows = new Float32Array(n * k);
  for (let x = 0; x < n; x++) {
    for (let c = 0; c < k; c++) {
      let sum = 0;
      for (let j = 0; j < D; j++) sum += (table[x * D + j]! - centre[j]!) * basis[c * D + j]!;
      rows[x * k + c] = sum;
    }
  }
  return { rows, basis, centre: Float32Array.from(centre) };
}
