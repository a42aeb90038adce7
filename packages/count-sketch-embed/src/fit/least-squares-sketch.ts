/**
 * The rows of a count-sketch with the mean as estimator, by least squares: conjugate gradients on the normal equations of
 * the sparse matrix A with A_{x, row_i(x)} = ±1/d (a matrix for each column, where coordinates have signs of their own), every
 * column of the table at once.
 *
 * Source: Hestenes and Stiefel 1952, section 10 (CGLS).
 * Deviations: scaled by the diagonal of AᵀWA, since token weights span orders of magnitude. No ridge: from zero, the iterates
 * stay in the range of Aᵀ, so that of several solutions the one of least (scaled) norm is met.
 */
import { signAt } from '../layers/index.ts';
import type { SketchProblem } from './sketch-problem.ts';

/** S `[height, D]`. */
export function leastSquaresSketch(problem: SketchProblem): Float32Array {
  const { table, dimension: D, weights, tokens, slots, hashes: d, height, iterations, tolerance } = problem;
  const inverse = new Float64Array(height); // of the diagonal of AᵀWA
  for (const x of tokens)
    for (let i = 0; i < d; i++) inverse[slots.rows[x * d + i]!]! += weights[x]! / d ** 2;
  inverse.forEach((sum, row) => (inverse[row] = sum > 0 ? 1 / sum : 0));

  const S = new Float64Array(height * D);
  const residual = new Float64Array(tokens.length * D); // W − A S
  tokens.forEach((x, n) => residual.set(table.subarray(x * D, (x + 1) * D), n * D));
  const g = new Float64Array(height * D); // Aᵀ w residual
  const p = new Float64Array(height * D);
  const q = new Float64Array(D);
  const gamma = new Float64Array(D);
  const start = new Float64Array(D);

  const transposed = () => {
    g.fill(0);
    tokens.forEach((x, n) => {
      for (let i = 0; i < d; i++) {
        const factor = weights[x]! / d;
        const row = slots.rows[x * d + i]! * D;
        for (let j = 0; j < D; j++)
          g[row + j]! += signAt(slots, x * d + i, j, D) * factor * residual[n * D + j]!;
      }
    });
    const next = new Float64Array(D);
    for (let row = 0; row < height; row++)
      for (let j = 0; j < D; j++) next[j]! += g[row * D + j]! ** 2 * inverse[row]!;
    return next;
  };
  /** (A p)_x into q. */
  const product = (x: number) => {
    q.fill(0);
    for (let i = 0; i < d; i++) {
      const row = slots.rows[x * d + i]! * D;
      for (let j = 0; j < D; j++) q[j]! += (signAt(slots, x * d + i, j, D) / d) * p[row + j]!;
    }
    return q;
  };

  start.set(transposed());
  gamma.set(start);
  const beta = new Float64Array(D);
  for (let done = 0; done < iterations; done++) {
    for (let row = 0; row < height; row++)
      for (let j = row * D, c = 0; c < D; j++, c++) p[j] = g[j]! * inverse[row]! + beta[c]! * p[j]!;
    const curvature = new Float64Array(D);
    for (const x of tokens) product(x).forEach((value, j) => (curvature[j]! += weights[x]! * value ** 2));
    const alpha = curvature.map((value, j) => (value > 0 ? gamma[j]! / value : 0));
    for (let k = 0; k < S.length; k++) S[k]! += alpha[k % D]! * p[k]!;
    tokens.forEach((x, n) => product(x).forEach((value, j) => (residual[n * D + j]! -= alpha[j]! * value)));
    const next = transposed();
    next.forEach((value, j) => (beta[j] = gamma[j]! > 0 ? value / gamma[j]! : 0));
    gamma.set(next);
    problem.round(done + 1, sum(gamma));
    if (sum(gamma) <= tolerance ** 2 * sum(start)) break;
  }
  return Float32Array.from(S);
}

function sum(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}
