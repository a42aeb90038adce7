/**
 * Truncated singular value decomposition by a random range finder with power iterations (Halko, Martinsson and Tropp
 * 2011, algorithms 4.4 and 5.1).
 *
 * Names as in the paper: Ω is the random test matrix, Q the basis of the range, B = QᵀA.
 */
import { ArgumentError } from '../errors.ts';
import { toRandom } from '../random/index.ts';
import type { Seed } from '../random/index.ts';
import { checkFinite, multiply } from './matrix.ts';
import type { Matrix } from './matrix.ts';
import { scaled, unitExponent, unscale } from './power-of-two.ts';
import { qr } from './qr.ts';
import { checkRank, fixSigns, svd } from './svd.ts';
import type { Svd } from './svd.ts';

/** Options of {@link randomisedSvd}. */
export interface RandomisedSvdOptions {
  /** The seed of the random test matrix, or a stream to draw it from. */
  readonly seed: Seed;
  /** Columns drawn beyond the rank, from 0. Default 10 (Halko, Martinsson and Tropp 2011, 4.2: 5 or 10). */
  readonly oversampling?: number;
  /**
   * How often the sample goes through AAᵀ, from 0. Each costs two products and sharpens the decay of the singular
   * values by a power of two. Default 2 (the same, 4.5: 1 or 2 where they decay slowly).
   */
  readonly powerIterations?: number;
}

/**
 * The `rank` largest singular values and their vectors of a matrix `[m, n]`, in O(m n rank). Exact to rounding where
 * the rank of `a` is not above `rank + oversampling`; else near the best approximation of that rank, the nearer the
 * faster the singular values fall. The same seed gives the same bits.
 *
 * @param rank 1 to min(m, n)
 * @throws ArgumentError for a shape that does not fit or an option out of range; NonFiniteError for NaN or infinity.
 *
 * @example
 * import { matrix, randomisedSvd } from '@ockham/core/linalg';
 *
 * const { s } = randomisedSvd(matrix(2, 3, [1, 0, 0, 0, 2, 0]), 1, { seed: 7 }); // 2
 */
export function randomisedSvd(a: Matrix, rank: number, options: RandomisedSvdOptions): Svd {
  const { seed, oversampling = 10, powerIterations = 2 } = options;
  checkFinite('linalg.randomisedSvd', 'a', a);
  const k = Math.min(a.rows, a.columns);
  checkRank('linalg.randomisedSvd', rank, k);
  for (const [name, value] of Object.entries({ oversampling, powerIterations })) {
    if (!(Number.isInteger(value) && value >= 0)) {
      throw new ArgumentError(`linalg.randomisedSvd: ${name} must be a whole number from 0, got ${value}.`);
    }
  }
  const exponent = unitExponent(a.values);
  const A: Matrix = { ...a, values: scaled(a.values, exponent) };
  const sample = Math.min(k, rank + oversampling);
  const random = toRandom(seed);
  const omega = Float64Array.from({ length: a.columns * sample }, () => random.normal());
  let { q: Q } = qr(multiply(A, { rows: a.columns, columns: sample, values: omega })); // [m, sample]
  for (let i = 0; i < powerIterations; i++) {
    // orthonormal after each product: plain powers would lose all but the largest singular values to rounding
    const { q: W } = qr(multiply(A, Q, { transposeA: true })); // [n, sample]
    ({ q: Q } = qr(multiply(A, W)));
  }
  const B = multiply(Q, A, { transposeA: true }); // [sample, n]
  const { u: inner, s, v } = svd(B, { rank });
  const u = multiply(Q, inner);
  fixSigns(u, v);
  unscale('linalg.randomisedSvd', 's', s, exponent);
  return { u, s, v };
}
