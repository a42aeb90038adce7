/** Random problems with a condition number, as in the paper's experiments. */
import { toRandom, type Seed } from '@ockham/core/random';
import type { DenseMatrix } from './system.ts';

/** Options of {@link randomProblem}. */
export interface RandomProblemOptions {
  /** Fixes the problem: the same seed gives the same matrix and right side. */
  readonly seed: Seed;
  /** κ = σ_max/σ_min of A, from 1. Default 2. */
  readonly condition?: number;
  /** Length of the part of b outside A's range, against the part inside. Default 0. */
  readonly noise?: number;
}

/** A problem and what is known of it. */
export interface RandomProblem {
  /** `[n, d]`, singular values evenly spread over [1/κ, 1]. */
  readonly A: DenseMatrix;
  /** `[n]`. */
  readonly b: Float64Array;
  /** `[d]`: a least-squares solution. */
  readonly optimum: Float64Array;
}

/**
 * A = U diag(σ) Vᵀ with random orthonormal U and V, b = A x* with normal x*, plus noise orthogonal to A's range.
 *
 * @example
 * const { A, b } = randomProblem(200, 500, { seed: 1, condition: 10 });
 */
export function randomProblem(n: number, d: number, options: RandomProblemOptions): RandomProblem {
  const { condition = 2, noise = 0 } = options;
  const random = toRandom(options.seed);
  const r = Math.min(n, d);
  const left = orthonormal(n, r, random.stream('left'));
  const right = orthonormal(d, r, random.stream('right'));
  const values = new Float64Array(n * d);
  for (let k = 0; k < r; k++) {
    const sigma = r === 1 ? 1 : 1 - ((1 - 1 / condition) * k) / (r - 1);
    for (let i = 0; i < n; i++) {
      const weight = sigma * left[k]![i]!;
      for (let j = 0, p = i * d; j < d; j++, p++) values[p]! += weight * right[k]![j]!;
    }
  }
  const truth = random.stream('truth');
  const optimum = Float64Array.from({ length: d }, () => truth.normal());
  const b = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) b[i]! += values[i * d + j]! * optimum[j]!;
  if (noise > 0 && n > r) {
    const stream = random.stream('noise');
    const e = Float64Array.from({ length: n }, () => stream.normal());
    for (let pass = 0; pass < 2; pass++) for (const u of left) project(e, u);
    const scale = (noise * norm(b)) / norm(e);
    for (let i = 0; i < n; i++) b[i]! += scale * e[i]!;
  }
  return { A: { rows: n, columns: d, values }, b, optimum };
}

/** `count` orthonormal vectors of `length` numbers (Gram and Schmidt, twice). */
function orthonormal(length: number, count: number, random: { normal(): number }): Float64Array[] {
  const made: Float64Array[] = [];
  for (let k = 0; k < count; k++) {
    const v = Float64Array.from({ length }, () => random.normal());
    for (let pass = 0; pass < 2; pass++) for (const u of made) project(v, u);
    const size = norm(v);
    made.push(v.map((value) => value / size));
  }
  return made;
}

function project(v: Float64Array, u: Float64Array): void {
  let along = 0;
  for (let i = 0; i < v.length; i++) along += u[i]! * v[i]!;
  for (let i = 0; i < v.length; i++) v[i]! -= along * u[i]!;
}

function norm(v: Float64Array): number {
  return Math.sqrt(v.reduce((sum, value) => sum + value * value, 0));
}
