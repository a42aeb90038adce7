/**
 * The decomposition of S after its step, in float64: by the eigenvectors of SᵀS where every singular value that is kept
 * is well above rounding, half the work of a full one; else by the full one.
 */
import { eigh, multiply, svd, type Matrix, type Svd } from '@ockham/core/linalg';
import { truncate, type RankRule, type Truncation } from './truncation.ts';

/** S ≈ u diag(s) vᵀ, truncated. */
export interface TruncatedCore extends Svd, Truncation {}

/** Below this part of the largest, a singular value from SᵀS has fewer than eight digits. */
const resolved = 1e-4;

/** The truncated decomposition of `core`. */
export function truncatedSvd(core: Matrix, rule: RankRule): TruncatedCore {
  const wide = core.columns > core.rows;
  const gram = multiply(core, core, wide ? { transposeB: true } : { transposeA: true });
  const { values, vectors } = eigh(gram);
  const n = values.length;
  const sigma = Float64Array.from({ length: n }, (_, i) => Math.sqrt(Math.max(0, values[n - 1 - i]!)));
  const cut = truncate(sigma, rule);
  if (!(sigma[cut.rank - 1]! > resolved * sigma[0]!)) {
    const exact = svd(core);
    const rank = truncate(exact.s, rule);
    return { ...columns(exact, rank.rank), ...rank };
  }
  const s = sigma.slice(0, cut.rank);
  const known: Matrix = { rows: n, columns: cut.rank, values: new Float64Array(n * cut.rank) };
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < cut.rank; j++) known.values[i * cut.rank + j] = vectors.values[i * n + n - 1 - j]!;
  }
  const other = multiply(core, known, wide ? { transposeA: true } : {});
  for (let i = 0, at = 0; i < other.rows; i++)
    for (let j = 0; j < cut.rank; j++, at++) other.values[at]! /= s[j]!;
  return { ...(wide ? { u: known, v: other } : { u: other, v: known }), s, ...cut };
}

function columns({ u, s, v }: Svd, rank: number): Svd {
  const first = (a: Matrix): Matrix => {
    const values = new Float64Array(a.rows * rank);
    for (let i = 0; i < a.rows; i++)
      values.set(a.values.subarray(i * a.columns, i * a.columns + rank), i * rank);
    return { rows: a.rows, columns: rank, values };
  };
  return { u: first(u), s: s.slice(0, rank), v: first(v) };
}
