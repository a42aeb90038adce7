/** Cholesky factorisation A = L Lᵀ by blocks of columns (Golub and Van Loan, Matrix Computations, 4.2). */
import { ArgumentError } from '../errors.ts';
import { addProduct, block, transposed } from './add-product.ts';
import { reserve, withArena } from './arena.ts';
import { checkFinite, checkSquare } from './matrix.ts';
import type { Matrix } from './matrix.ts';
import { scaled, scaleInPlace, unitExponent } from './power-of-two.ts';
import { checkOperands, solve, substitute } from './solve-triangular.ts';

const blockSize = 32;

/**
 * The lower triangular L with a positive diagonal of `a = L Lᵀ`, `[n, n]`. Reads the lower triangle of `a` only, as
 * NumPy does; zeros above L's diagonal.
 *
 * @throws ArgumentError where `a` is not square, or not positive definite to rounding: the message names the first
 *   pivot that is not positive; NonFiniteError for NaN or infinity in `a`.
 *
 * @example
 * import { cholesky, matrix } from '@ockham/core/linalg';
 *
 * const l = cholesky(matrix(2, 2, [4, 2, 2, 5])); // [[2, 0], [1, 2]]
 */
export function cholesky(a: Matrix): Matrix {
  checkFinite('linalg.cholesky', 'a', a);
  checkSquare('linalg.cholesky', 'a', a);
  const n = a.rows;
  // even, so that the factor scales by a power of two as well
  const exponent = 2 * Math.floor(unitExponent(a.values) / 2);
  const values = withArena((n + blockSize) * n, () => {
    const L = scaled(a.values, exponent);
    factor(L, n, a);
    return L.slice();
  });
  for (let i = 0; i < n; i++) values.fill(0, i * n + i + 1, (i + 1) * n);
  scaleInPlace(values, -exponent / 2);
  return { rows: n, columns: n, values };
}

/** Overwrites the lower triangle of `L` `[n, n]`; `a` is for the message. */
function factor(L: Float64Array, n: number, a: Matrix): void {
  const X = reserve(blockSize * n); // [32, rows below]
  for (let first = 0; first < n; first += blockSize) {
    const size = Math.min(blockSize, n - first);
    factorDiagonal(L, n, first, size, a);
    const next = first + size;
    if (next === n) break;
    // the rows below: X L₁ᵀ = A₂₁, then A₂₂ −= X Xᵀ in the lower triangle, a strip of columns at a time; by Xᵀ, whose rows are
    // long
    const rest = n - next;
    copyTransposed(L, next * n + first, n, rest, size, X, 0, rest);
    substitute(L.subarray(first * n + first), n, size, X, rest, { lower: true });
    copyTransposed(X, 0, rest, size, rest, L, next * n + first, n);
    for (let strip = 0; strip < rest; strip += 64) {
      const right = block(X, strip, rest);
      const to = (next + strip) * n + next + strip;
      addProduct(rest - strip, Math.min(64, rest - strip), size, -1, transposed(right), right, L, to, n);
    }
  }
}

function copyTransposed(
  from: Float64Array,
  start: number,
  stride: number,
  rows: number,
  columns: number,
  to: Float64Array,
  toStart: number,
  toStride: number,
): void {
  for (let i = 0; i < rows; i++) {
    let at = toStart + i;
    for (let j = start + i * stride, end = j + columns; j < end; j++, at += toStride) to[at] = from[j]!;
  }
}

function factorDiagonal(L: Float64Array, n: number, first: number, size: number, a: Matrix): void {
  for (let j = first; j < first + size; j++) {
    divideRow(L, n, j, first, j - first);
    let pivot = L[j * n + j]!;
    for (let k = first; k < j; k++) pivot -= L[j * n + k]! ** 2;
    if (!(pivot > 0)) {
      throw new ArgumentError(
        `linalg.cholesky: a must be positive definite, but pivot ${j} of 0 … ${n - 1} is not positive ` +
          `(a(${j}, ${j}) = ${a.values[j * n + j]}). Add a multiple of the identity, or use eigh.`,
      );
    }
    L[j * n + j] = Math.sqrt(pivot);
  }
}

/** Row i of L in columns `first … first + size − 1`. */
function divideRow(L: Float64Array, n: number, i: number, first: number, size: number): void {
  const x = i * n + first;
  for (let j = 0; j < size; j++) {
    const row = (first + j) * n + first;
    let sum = L[x + j]!;
    for (let k = 0; k < j; k++) sum -= L[row + k]! * L[x + k]!;
    L[x + j] = sum / L[row + j]!;
  }
}

/**
 * Solves `L Lᵀ x = b` with the factor from {@link cholesky}.
 *
 * @param l `[n, n]`, lower triangular; what is above the diagonal is not read.
 * @param b `[n, k]`
 * @returns x `[n, k]`
 * @throws ArgumentError where shapes do not fit or a diagonal element is 0; NonFiniteError for NaN or infinity.
 */
export function choleskySolve(l: Matrix, b: Matrix): Matrix {
  checkOperands('linalg.choleskySolve', l, b);
  const values = solve(l, b, { lower: true }, { lower: true, transpose: true });
  return { rows: b.rows, columns: b.columns, values };
}
