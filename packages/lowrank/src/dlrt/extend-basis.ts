/**
 * The augmented basis of a step: orthonormal Ũ that spans [U | D], by a Cholesky factor of the Gram matrix of [U | D].
 * The two tall products run on the engine in float32, the 2r × 2r factor here in float64.
 *
 * Deviation from a Householder QR of [K | U]: U leads, so that it is kept but for a correction of its rounding, and the
 * lift of S is S with zeros around it; directions are taken in the order of what they add, down to 1/30 of the largest,
 * since a Gram matrix in float32 resolves no more.
 */
import { concat, dispose, matMul, tensor2d, tidy, type Tensor2D } from '@tensorflow/tfjs-core';
import { matrix, type Matrix } from '@ockham/core/linalg';
import { pivotedInverse } from './pivoted-cholesky.ts';

/** Squared, relative to the largest squared column. */
const leastDirection = 1e-3;

/** A basis that holds another. */
export interface ExtendedBasis {
  /** Ũ `[n, r + a]`, a ≤ r and a ≤ n − r. The caller disposes of it. */
  readonly basis: Tensor2D;
  /** R `[r + a, r]` with U = Ũ R: the identity, but for U's rounding, with zeros below. */
  readonly lift: Matrix;
}

/**
 * @param basis U `[n, r]`, orthonormal columns but for rounding.
 * @param directions D `[n, r]`.
 */
export function extendBasis(basis: Tensor2D, directions: Tensor2D): ExtendedBasis {
  const [n, r] = basis.shape;
  const size = r + directions.shape[1];
  const both = concat([basis, directions], 1); // [n, r + d]
  const product = matMul(both, both, true, false);
  const gram = Float64Array.from(product.dataSync());
  let largest = 0;
  for (let i = r; i < size; i++) largest = Math.max(largest, gram[i * size + i]!);
  const { inverse, rank, factor } = pivotedInverse(gram, size, {
    leading: r,
    most: Math.min(size, n),
    least: leastDirection * largest,
  });
  const lift = matrix(rank, r);
  for (let k = 0; k < r; k++) for (let i = k; i < r; i++) lift.values[k * r + i] = factor[k * size + i]!;
  const made: Tensor2D = tidy(() => matMul(both, tensor2d(inverse, [size, rank])));
  dispose([both, product]);
  return { basis: made, lift };
}
