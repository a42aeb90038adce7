/** Substitution, row by row of the unknowns, so that every loop runs along a row. */
import { ArgumentError } from '../errors.ts';
import { copyIn, withArena } from './arena.ts';
import { checkFinite, checkSquare } from './matrix.ts';
import type { Matrix } from './matrix.ts';
import { addRows } from './row-products.ts';

/** Options of {@link solveTriangular}. */
export interface SolveTriangularOptions {
  /** Whether `a` is lower triangular. Default false: upper. */
  readonly lower?: boolean;
  /** Solve `aᵀ x = b`. Default false. */
  readonly transpose?: boolean;
}

/**
 * Solves `a x = b` for triangular `a`, whose other triangle is not read.
 *
 * @param a `[n, n]`
 * @param b `[n, k]`
 * @returns x `[n, k]`
 * @throws ArgumentError where shapes do not fit or a diagonal element is 0; NonFiniteError for NaN or infinity.
 *
 * @example
 * import { matrix, solveTriangular } from '@ockham/core/linalg';
 *
 * const x = solveTriangular(matrix(2, 2, [2, 1, 0, 4]), matrix(2, 1, [4, 8])); // 1, 2
 */
export function solveTriangular(a: Matrix, b: Matrix, options: SolveTriangularOptions = {}): Matrix {
  checkOperands('linalg.solveTriangular', a, b);
  const values = solve(a, b, options);
  return { rows: b.rows, columns: b.columns, values };
}

/** What every solver checks of a triangular matrix `[n, n]` and right-hand sides `[n, k]`. */
export function checkOperands(who: string, a: Matrix, b: Matrix): void {
  checkFinite(who, 'the triangular matrix', a);
  checkSquare(who, 'the triangular matrix', a);
  checkFinite(who, 'b', b);
  if (b.rows !== a.rows) {
    throw new ArgumentError(
      `${who}: b must have ${a.rows} rows, as the matrix has, got [${b.rows}, ${b.columns}].`,
    );
  }
  for (let i = 0; i < a.rows; i++) {
    if (a.values[i * a.columns + i] === 0) {
      throw new ArgumentError(
        `${who}: the matrix must have no zero on its diagonal, got one in row ${i}: it is singular. ` +
          'Use lstsq or svd.',
      );
    }
  }
}

/** The values of the solutions for each of `steps` in turn, the first one's for `b`. */
export function solve(a: Matrix, b: Matrix, ...steps: readonly SolveTriangularOptions[]): Float64Array {
  return withArena(a.values.length + b.values.length, () => {
    const A = copyIn(a.values);
    const x = copyIn(b.values);
    for (const step of steps) substitute(A, a.columns, a.rows, x, b.columns, step);
    return x.slice();
  });
}

/** Overwrites `x` `[n, k]` with the solution for the leading `[n, n]` of `a`, whose rows lie `stride` apart. */
export function substitute(
  a: Float64Array,
  stride: number,
  n: number,
  x: Float64Array,
  k: number,
  { lower = false, transpose = false }: SolveTriangularOptions,
): void {
  const forwards = lower !== transpose;
  const [rowStride, columnStride] = transpose ? [1, stride] : [stride, 1];
  for (let step = 0; step < n; step++) {
    const i = forwards ? step : n - 1 - step;
    const [from, count] = forwards ? [0, i] : [i + 1, n - 1 - i];
    const weights = i * rowStride + from * columnStride;
    addRows(x, from * k, k, count, -1, a, weights, columnStride, x, i * k, k);
    const pivot = a[i * stride + i]!;
    for (let j = i * k; j < (i + 1) * k; j++) x[j]! /= pivot;
  }
}
