/**
 * One half of a step at fixed rank: the orthonormal basis of U A − η D, for which nothing as tall as U is decomposed.
 * What is ill-conditioned in it, where singular values are small, is in a matrix of 2r × r, in float64.
 */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { multiply, qr, type Matrix } from '@ockham/core/linalg';
import { extension } from './extend-basis.ts';
import type { Paused } from './in-turns.ts';
import { timesSmall } from './small-matrices.ts';

/** U₁ R = U A − η D. */
export interface TurnedBasis {
  /** U₁ `[n, r]` */
  readonly basis: Tensor2D;
  /** R `[r, r]` */
  readonly factor: Matrix;
  /** UᵀU₁ `[r, r]` */
  readonly overlap: Matrix;
}

/**
 * @param basis U `[n, r]`, orthonormal but for rounding.
 * @param core A `[r, r]`
 * @param directions D `[n, r]`
 */
export function* turnBasis(
  basis: Tensor2D,
  core: Matrix,
  directions: Tensor2D,
  rate: number,
): Paused<TurnedBasis> {
  const { both, transform, lift, coordinates } = yield* extension(basis, directions);
  const moved = multiply(lift, core);
  for (let i = 0; i < moved.values.length; i++) moved.values[i]! -= rate * coordinates.values[i]!;
  const { q, r } = qr(moved);
  const weights = multiply(transform, q);
  const overlap = multiply(lift, q, { transposeA: true });
  yield;
  return { basis: timesSmall(both, weights), factor: r, overlap };
}
