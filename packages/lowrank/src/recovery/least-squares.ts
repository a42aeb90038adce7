/**
 * The problem min ½‖Y − XW‖² of equation 1 in the coordinates of X's singular vectors, X = U S Vᵀ: with R = S Vᵀ and
 * T = UᵀY it is ½‖T − RW‖² + ½‖Y − UUᵀY‖², whose second part no W can lower. Rounds then cost nothing that grows with n,
 * and the spectrum that step sizes come from is there.
 */
import { ArgumentError } from '@ockham/core';
import {
  checkFinite,
  matrix,
  multiply,
  singularValues,
  svd,
  type Matrix,
} from '@ockham/core/linalg/matrices';
import type { RecoveryData } from './problem.ts';

/** Equation 1, reduced. ρ is the rank of X. */
export interface LeastSquares {
  readonly n: number;
  readonly d: number;
  readonly m: number;
  /** S Vᵀ, `[ρ, d]`. */
  readonly R: Matrix;
  /** UᵀY, `[ρ, m]`. */
  readonly T: Matrix;
  /** XᵀX, `[d, d]`. */
  readonly G: Matrix;
  /** XᵀY, `[d, m]`. */
  readonly C: Matrix;
  /** S: falling, above 0, `[ρ]`. */
  readonly s: Float64Array;
  /** V, `[d, ρ]`. */
  readonly V: Matrix;
  /** The largest eigenvalue of XᵀX, and the smallest that is not 0. */
  readonly L: number;
  readonly mu: number;
  /** Singular values of T, falling: those of the part of Y that X can explain. */
  readonly tau: Float64Array;
  /** ‖Y − UUᵀY‖². */
  readonly outside: number;
  /** ‖Y‖². */
  readonly power: number;
}

/** @throws ArgumentError for shapes that do not fit, X or Y without a number that is not 0; NonFiniteError. */
export function leastSquares(who: string, { X, Y }: RecoveryData): LeastSquares {
  checkFinite(who, 'X', X);
  checkFinite(who, 'Y', Y);
  const [n, d, m] = [X.rows, X.columns, Y.columns];
  if (Y.rows !== n) {
    throw new ArgumentError(
      `${who}: Y must have ${n} rows, one for each of X's, got [${Y.rows}, ${m}]. Transpose it where samples are columns.`,
    );
  }
  const { u, s: all, v } = svd(X);
  const power = squares(Y);
  if (all[0] === 0 || power === 0)
    throw new ArgumentError(`${who}: X and Y must not be all zeros: nothing is to be recovered.`);
  const rho = all.filter((value) => value > Math.max(n, d) * Number.EPSILON * all[0]!).length;
  const s = all.slice(0, rho);
  const V = leading(v, rho);
  const U = leading(u, rho);
  const T = multiply(U, Y, { transposeA: true });
  const R = matrix(rho, d);
  for (let i = 0; i < rho; i++)
    for (let j = 0; j < d; j++) R.values[i * d + j] = s[i]! * V.values[j * rho + i]!;
  return {
    n,
    d,
    m,
    R,
    T,
    G: multiply(R, R, { transposeA: true }),
    C: multiply(R, T, { transposeA: true }),
    s,
    V,
    L: s[0]! ** 2,
    mu: s[rho - 1]! ** 2,
    tau: singularValues(T),
    outside: n > rho ? squares(minus(Y, multiply(U, T))) : 0,
    power,
  };
}

/** The first `count` columns. */
export function leading(a: Matrix, count: number): Matrix {
  if (count === a.columns) return a;
  const made = matrix(a.rows, count);
  for (let i = 0; i < a.rows; i++)
    made.values.set(a.values.subarray(i * a.columns, i * a.columns + count), i * count);
  return made;
}

/** ‖a‖², in the Frobenius norm. */
export function squares({ values }: { readonly values: Float64Array }): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum;
}

/** a − b. */
export function minus(a: Matrix, b: Matrix): Matrix {
  return matrix(
    a.rows,
    a.columns,
    a.values.map((value, at) => value - b.values[at]!),
  );
}

/** a + c·b, in place. */
export function addScaled(a: Float64Array, c: number, b: Float64Array): void {
  for (let at = 0; at < a.length; at++) a[at]! += c * b[at]!;
}
