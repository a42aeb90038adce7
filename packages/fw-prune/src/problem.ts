import { ArgumentError } from '@ockham/core';
import { singularValues } from './lmo/singular-values.ts';

/** A differentiable function to minimize over a set, in float64. */
export interface Problem {
  /** Number of coordinates of x. */
  readonly dimension: number;
  /** f(x). */
  value(x: Float64Array): number;
  /** Writes ∇f(x) into `out`. */
  gradient(x: Float64Array, out: Float64Array): void;
  /** The minimizer of γ ↦ f(x + γ·direction) over [0, maxStep]; given where it has a closed form. */
  lineSearch?(x: Float64Array, direction: Float64Array, maxStep: number): number;
  /** L: a Lipschitz constant of ∇f in the Euclidean norm. Needed by the `short-step` rule. */
  readonly smoothness?: number;
}

/**
 * The least-squares problem f(x) = ½‖Ax - b‖², with its exact line search and L = σ_max(A)².
 *
 * @param A Row-major `[b.length, columns]`.
 * @throws ArgumentError when the sizes disagree or a value is not finite.
 */
export function leastSquares(A: Float64Array, b: Float64Array, columns: number): Problem {
  const rows = b.length;
  if (rows < 1 || columns < 1 || A.length !== rows * columns) {
    throw new ArgumentError(
      `leastSquares: A must hold b.length × columns = ${rows} × ${columns} values (at least one), got ${A.length}.`,
    );
  }
  if (!A.every(Number.isFinite) || !b.every(Number.isFinite)) {
    throw new ArgumentError('leastSquares: A and b must be finite, got NaN or an infinity.');
  }
  let smoothness: number | undefined;

  const times = (x: Float64Array): Float64Array => {
    const Ax = new Float64Array(rows);
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let j = 0; j < columns; j++) sum += A[i * columns + j]! * x[j]!;
      Ax[i] = sum;
    }
    return Ax;
  };
  const residual = (x: Float64Array): Float64Array => {
    const r = times(x);
    for (let i = 0; i < rows; i++) r[i]! -= b[i]!;
    return r;
  };

  return {
    dimension: columns,
    get smoothness(): number {
      return (smoothness ??= singularValues(A, rows, columns)[0]! ** 2);
    },
    value: (x) => residual(x).reduce((sum, r) => sum + r * r, 0) / 2,
    gradient(x, out) {
      const r = residual(x);
      out.fill(0);
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) out[j]! += A[i * columns + j]! * r[i]!;
      }
    },
    lineSearch(x, direction, maxStep) {
      const r = residual(x);
      const Ad = times(direction);
      let slope = 0;
      let curvature = 0;
      for (let i = 0; i < rows; i++) {
        slope -= r[i]! * Ad[i]!;
        curvature += Ad[i]! * Ad[i]!;
      }
      if (slope <= 0) return 0;
      return curvature === 0 ? maxStep : Math.min(maxStep, slope / curvature);
    },
  };
}
