/**
 * Truncated singular value decomposition, the best approximation of a given rank (Eckart and Young 1936), split evenly
 * into two factors: U = Ũ √Σ, V = Ṽ √Σ (Pufferfish, algorithm 2, line 10).
 */
import { NonFiniteError } from '@ockham/core';
import { matrix, multiply, qr, randomisedSvd, svd, type Matrix, type Svd } from '@ockham/core/linalg';
import type { Seed } from '@ockham/core/random';
import type { Factors } from './split-layer.ts';

/** Options of {@link truncate}. */
export interface TruncateOptions {
  /**
   * Decomposes by a random range finder with this seed: O(m n r), near the best approximation, the nearer the faster
   * the singular values fall. Default: exactly.
   */
  readonly seed?: Seed;
}

/** What {@link truncate} returns: `a ≈ u vᵀ` with `uᵀu = vᵀv = diag(s)`. */
export interface Truncation extends Factors {
  /** `[r]`, the singular values kept, falling. */
  readonly s: Float64Array;
  /** ‖a − u vᵀ‖_F / ‖a‖_F, in [0, 1]; 0 for a matrix of zeros. */
  readonly error: number;
}

/**
 * The best approximation of a matrix by one of rank `rank`, as two balanced factors.
 *
 * @param a `[m, n]`
 * @param rank r, 1 to min(m, n)
 * @throws ArgumentError for a rank out of range; NonFiniteError for NaN or infinity.
 *
 * @example
 * const { u, v, error } = truncate(matrix(2, 2, [3, 0, 0, 4]), 1); // error 3/5
 */
export function truncate(a: Matrix, rank: number, options: TruncateOptions = {}): Truncation {
  const bad = a.values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new NonFiniteError(
      `truncate: every weight must be finite, got ${a.values[bad]} at position ${bad}. Train it again with a lower rate.`,
    );
  }
  const { seed } = options;
  const parts = seed === undefined ? svd(a, { rank }) : randomisedSvd(a, rank, { seed });
  const factors = splitEvenly(parts);
  return { ...factors, s: parts.s, error: relativeError(a, factors) };
}

/** U = Ũ √Σ and V = Ṽ √Σ of the first `rank` singular values, all by default. */
export function splitEvenly({ u, s, v }: Svd, rank: number = s.length): Factors {
  const scaled = (side: Matrix): Matrix => {
    const made = matrix(side.rows, rank);
    for (let i = 0; i < side.rows; i++) {
      for (let j = 0; j < rank; j++)
        made.values[i * rank + j] = side.values[i * side.columns + j]! * Math.sqrt(s[j]!);
    }
    return made;
  };
  return { u: scaled(u), v: scaled(v) };
}

/** Other factors of the same product, with uᵀu = vᵀv diagonal: gradient descent moves balanced factors alike. */
export function balance({ u, v }: Factors): Factors {
  const left = qr(u);
  const right = qr(v);
  const { u: a, v: b } = splitEvenly(svd(multiply(left.r, right.r, { transposeB: true })));
  return { u: multiply(left.q, a), v: multiply(right.q, b) };
}

/** ‖a − u vᵀ‖_F / ‖a‖_F, from the difference itself. */
export function relativeError(a: Matrix, { u, v }: Factors): number {
  const product = multiply(u, v, { transposeB: true }).values;
  let missed = 0;
  let whole = 0;
  for (let i = 0; i < product.length; i++) {
    missed += (a.values[i]! - product[i]!) ** 2;
    whole += a.values[i]! ** 2;
  }
  return whole === 0 ? 0 : Math.sqrt(missed / whole);
}
