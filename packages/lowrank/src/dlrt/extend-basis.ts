/**
 * The augmented basis of a step: orthonormal columns Q with [U | Q] spanning [U | D], by block Gram–Schmidt with
 * Cholesky factors, taken twice (Giraud, Langou and Rozložník 2005: twice is enough). The tall products run on the
 * engine in float32, the r × r factors here in float64.
 *
 * Deviation from a Householder QR of [K | U]: U stays as it is instead of being turned, so that the lift of S is S
 * with zeros around it; directions below 1/300 of the largest are left out, for they would be rounding.
 */
import { concat, matMul, tensor2d, tidy, type Tensor2D } from '@tensorflow/tfjs-core';
import { pivotedInverse } from './pivoted-cholesky.ts';

/** Squared, relative to the largest squared column. */
const leastDirection = 1e-5;

/**
 * Q `[n, a]`, a ≤ r and a ≤ n − r, or undefined where `directions` lie within the span of `basis`. The caller disposes
 * of it.
 *
 * @param basis U `[n, r]`, orthonormal columns.
 * @param directions D `[n, r]`.
 */
export function extendBasis(basis: Tensor2D, directions: Tensor2D): Tensor2D | undefined {
  const [n, r] = basis.shape;
  const most = Math.min(directions.shape[1], n - r);
  if (most === 0) return undefined;
  return tidy(() => {
    const first = orthonormalised(basis, directions, most, leastDirection);
    return first && orthonormalised(basis, first, first.shape[1], 1e-2);
  });
}

/** One pass: subtracts U UᵀD and divides by a Cholesky factor of what is left. */
function orthonormalised(
  basis: Tensor2D,
  directions: Tensor2D,
  most: number,
  least: number,
): Tensor2D | undefined {
  const [, r] = basis.shape;
  const d = directions.shape[1];
  const both = concat([basis, directions], 1); // [n, r + d]
  const products = matMul(both, directions, true, false).dataSync(); // UᵀD over DᵀD
  const gram = new Float64Array(d * d);
  let largest = 0;
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) gram[i * d + j] = products[(r + i) * d + j]!;
    largest = Math.max(largest, gram[i * d + i]!);
  }
  // DᵀD − (UᵀD)ᵀ(UᵀD), the Gram matrix of what lies outside of U
  for (let k = 0; k < r; k++) {
    for (let i = 0; i < d; i++) {
      const c = products[k * d + i]!;
      for (let j = 0; j < d; j++) gram[i * d + j]! -= c * products[k * d + j]!;
    }
  }
  const { inverse, rank } = pivotedInverse(gram, d, most, least * largest);
  if (rank === 0) return undefined;
  const coefficients = new Float32Array((r + d) * rank); // [−UᵀD T; T]
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < rank; j++) coefficients[(r + i) * rank + j] = inverse[i * rank + j]!;
  }
  for (let k = 0; k < r; k++) {
    for (let i = 0; i < d; i++) {
      const c = products[k * d + i]!;
      for (let j = 0; j < rank; j++) coefficients[k * rank + j]! -= c * inverse[i * rank + j]!;
    }
  }
  return matMul(both, tensor2d(coefficients, [r + d, rank]));
}
