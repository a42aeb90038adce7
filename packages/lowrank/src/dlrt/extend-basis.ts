/**
 * The augmented basis of a step: orthonormal Ũ that spans [U | D], by a Cholesky factor of the Gram matrix of [U | D].
 * The tall product runs on the engine in float32, the small factors here in float64.
 *
 * Names: UᵀU = I + E, E no more than rounding, so that U₀ = U (I − E/2) is orthonormal to E²; M = U₀ᵀD; RᵀR is the
 * Gram matrix of D − U₀M; Ũ = [U₀ | (D − U₀M) R⁻¹].
 *
 * Deviation from a Householder QR of [K | U]: U leads, so that it is kept but for a correction of its rounding, and the
 * lift of S is S with zeros around it; directions are taken in the order of what they add, down to 1/30 of the largest,
 * since a Gram matrix in float32 resolves no more.
 */
import { concat, matMul, type Tensor2D } from '@tensorflow/tfjs-core';
import { NonFiniteError } from '@ockham/core';
import { matrix, multiply, type Matrix } from '@ockham/core/linalg';
import type { Paused } from './in-turns.ts';
import { pivotedInverse } from './pivoted-cholesky.ts';
import { timesSmall } from './small-matrices.ts';

/** Squared, relative to the largest squared column. */
const leastDirection = 1e-3;

/** How [U | D] and an orthonormal Ũ `[n, r + a]`, a ≤ d and a ≤ n − r, follow from each other. */
export interface Extension {
  /** [U | D] `[n, r + d]` */
  readonly both: Tensor2D;
  /** T `[r + d, r + a]` with Ũ = [U | D] T. */
  readonly transform: Matrix;
  /** `[r + a, r]` with U = Ũ · lift: the identity, but for U's rounding, with zeros below. */
  readonly lift: Matrix;
  /** `[r + a, d]` with D ≈ Ũ · coordinates, but for the directions left out: M above R. */
  readonly coordinates: Matrix;
}

/** A basis that holds another. */
export interface ExtendedBasis {
  /** Ũ */
  readonly basis: Tensor2D;
  readonly lift: Matrix;
}

/**
 * @param basis U `[n, r]`, orthonormal columns but for rounding.
 * @param directions D `[n, d]`.
 */
export function* extendBasis(basis: Tensor2D, directions: Tensor2D): Paused<ExtendedBasis> {
  const { both, transform, lift } = yield* extension(basis, directions);
  yield;
  return { basis: timesSmall(both, transform), lift };
}

/**
 * @param basis U `[n, r]`, orthonormal columns but for rounding.
 * @param directions D `[n, d]`.
 * @throws NonFiniteError for NaN or infinity in either.
 */
export function* extension(basis: Tensor2D, directions: Tensor2D): Paused<Extension> {
  const [n, r] = basis.shape;
  const d = directions.shape[1];
  const both = concat([basis, directions], 1);
  const product = matMul<Tensor2D>(both, both, true, false);
  yield;
  const gram = product.dataSync();
  if (!gram.every(Number.isFinite)) {
    throw new NonFiniteError(
      "dlrt: a gradient is no longer finite. Lower the learning rate, or check the inputs' range.",
    );
  }
  const part = (row: number, column: number, rows: number, columns: number): Matrix => {
    const made = matrix(rows, columns);
    for (let i = 0, at = 0; i < rows; i++)
      for (let j = 0; j < columns; j++, at++) made.values[at] = gram[(row + i) * (r + d) + column + j]!;
    return made;
  };
  const halfError = part(0, 0, r, r); // E/2
  for (let i = 0; i < r; i++) halfError.values[i * (r + 1)]! -= 1;
  for (let i = 0; i < r * r; i++) halfError.values[i]! /= 2;
  const corrected = minus(identity(r), halfError); // I − E/2
  const M = multiply(corrected, part(0, r, r, d));
  const square = part(r, r, d, d);
  let largest = 0;
  for (let i = 0; i < d; i++) largest = Math.max(largest, square.values[i * (d + 1)]!);
  const rest = minus(square, multiply(M, M, { transposeA: true }));
  const found = pivotedInverse(rest.values, d, {
    most: Math.min(d, n - r),
    least: leastDirection * largest,
  });
  const a = found?.factor.rows ?? 0;
  const transform = matrix(r + d, r + a);
  const lift = matrix(r + a, r);
  const coordinates = matrix(r + a, d);
  place(transform, corrected, 0, 0);
  for (let i = 0; i < r * r; i++) lift.values[i] = halfError.values[i]!;
  for (let i = 0; i < r; i++) lift.values[i * (r + 1)]! += 1;
  coordinates.values.set(M.values);
  if (found) {
    const inside = multiply(corrected, multiply(M, found.inverse));
    for (let i = 0; i < inside.values.length; i++) inside.values[i] = -inside.values[i]!;
    place(transform, inside, 0, r);
    place(transform, found.inverse, r, r);
    coordinates.values.set(found.factor.values, r * d);
  }
  return { both, transform, lift, coordinates };
}

function identity(size: number): Matrix {
  const made = matrix(size, size);
  for (let i = 0; i < size; i++) made.values[i * (size + 1)] = 1;
  return made;
}

function minus(a: Matrix, b: Matrix): Matrix {
  const made = matrix(a.rows, a.columns);
  for (let i = 0; i < made.values.length; i++) made.values[i] = a.values[i]! - b.values[i]!;
  return made;
}

function place(into: Matrix, part: Matrix, row: number, column: number): void {
  for (let i = 0; i < part.rows; i++) {
    into.values.set(
      part.values.subarray(i * part.columns, (i + 1) * part.columns),
      (row + i) * into.columns + column,
    );
  }
}
