/**
 * Eigenvalues and eigenvectors of a symmetric matrix: Householder tridiagonalisation A = Q T Qᵀ, then T + cI = B Bᵀ by
 * a Cholesky factorisation from the last row up (c from Gershgorin's discs), whose bidiagonal factor has T's
 * eigenvectors as its left singular vectors. So one divide and conquer serves both decompositions.
 *
 * Deviation from the usual route by QL sweeps: those cost 3n³ rotations, which no product of matrices replaces. The
 * shift costs nothing that a backward stable method promises: errors stay a few roundings of the norm of A.
 *
 * @module
 */
import { withArena } from './arena.ts';
import { bidiagonalSvd } from './bidiagonal-svd.ts';
import { checkFinite, checkSquare } from './matrix.ts';
import type { Matrix } from './matrix.ts';
import { scaled, unitExponent, unscale } from './power-of-two.ts';
import { applyReflectors } from './reflectors.ts';
import { columnsFromRows, fixSigns } from './svd.ts';
import { symmetric } from './symmetric.ts';
import { tridiagonalise } from './tridiagonalise.ts';

/** Options of {@link eigh}. */
export interface EighOptions {
  /**
   * How far from symmetric the matrix may be: |a_ij − a_ji| ≤ tolerance · max |a|. Within it the mean of the two is
   * taken. Default 1e-10, far above what rounding leaves in a product AᵀA, far below a mistake.
   */
  readonly symmetryTolerance?: number;
}

/** What {@link eigh} returns: `a = vectors diag(values) vectorsᵀ`. */
export interface Eigh {
  /** `[n]`, rising. */
  readonly values: Float64Array;
  /** `[n, n]`, orthonormal columns; the largest element of each by size is positive, the first of equals. */
  readonly vectors: Matrix;
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix `[n, n]`.
 *
 * @throws ArgumentError for a matrix that is not square or not symmetric; NonFiniteError for NaN or infinity in `a`.
 *
 * @example
 * import { eigh, matrix } from '@ockham/core/linalg';
 *
 * const { values, vectors } = eigh(matrix(2, 2, [2, 1, 1, 2])); // values: 1, 3
 */
export function eigh(a: Matrix, options: EighOptions = {}): Eigh {
  const { symmetryTolerance = 1e-10 } = options;
  checkFinite('linalg.eigh', 'a', a);
  checkSquare('linalg.eigh', 'a', a);
  const n = a.rows;
  const exponent = unitExponent(a.values);
  const whole = symmetric('linalg.eigh', a, symmetryTolerance);
  const { values, vectors } = withArena(8 * n * n + 200 * n, () => decompose(scaled(whole, exponent), n));
  fixSigns(vectors);
  unscale('linalg.eigh', 'the largest eigenvalue', values, exponent);
  return { values, vectors };
}

/** Decomposes `work` `[n, n]`, which it overwrites. */
function decompose(work: Float64Array, n: number): Eigh {
  const { diagonal, offDiagonal, reflectors } = tridiagonalise(work, n);
  const shift = definiteShift(diagonal, offDiagonal);
  const { superdiagonal, factor } = bidiagonalFactor(diagonal, offDiagonal, shift);
  const { values: roots, leftRows } = bidiagonalSvd(factor, superdiagonal, 'ends');
  const order = Int32Array.from({ length: n }, (_, i) => i).sort((i, j) => roots[i]! - roots[j]! || i - j);
  const values = Float64Array.from(order, (i) => roots[i]! * roots[i]! - shift);
  const vectors = columnsFromRows(leftRows, n, order, n);
  applyReflectors(reflectors, vectors, n, 0);
  return { values, vectors: { rows: n, columns: n, values: vectors.slice() } };
}

/** c that makes T + cI safely positive definite: above minus the smallest eigenvalue, by Gershgorin's discs. */
function definiteShift(d: Float64Array, e: Float64Array): number {
  let least = Infinity;
  let size = 0;
  for (let i = 0; i < d.length; i++) {
    const radius = Math.abs(e[i - 1] ?? 0) + Math.abs(e[i] ?? 0);
    least = Math.min(least, d[i]! - radius);
    size = Math.max(size, Math.abs(d[i]!) + radius);
  }
  return size === 0 ? 1 : size / 64 - least;
}

/** B of T + cI = B Bᵀ, upper bidiagonal. */
function bidiagonalFactor(
  d: Float64Array,
  e: Float64Array,
  shift: number,
): { readonly factor: Float64Array; readonly superdiagonal: Float64Array } {
  const n = d.length;
  const factor = new Float64Array(n);
  const superdiagonal = new Float64Array(n - 1);
  let after = 0;
  for (let i = n - 1; i >= 0; i--) {
    const pivot = Math.sqrt(d[i]! + shift - after * after);
    factor[i] = pivot;
    if (i > 0) after = superdiagonal[i - 1] = e[i - 1]! / pivot;
  }
  return { factor, superdiagonal };
}
