import type { Random } from '@ockham/core/random';
import type { FeasibleSet } from '../src/lmo/index.ts';
import { singularValues } from '../src/lmo/singular-values.ts';
import type { Problem } from '../src/problem.ts';

/** A convex quadratic whose minimum over a set is known without solving anything. */
export interface PlantedQuadratic {
  readonly problem: Problem;
  /** The minimizer; f there is exactly 0. */
  readonly optimum: Float64Array;
  /** L·diameter² ≥ C_f. */
  readonly curvature: number;
}

/**
 * f(x) = ½‖M(x - x*)‖² + ⟨g, x - x*⟩. Where x* minimizes ⟨g, ·⟩ over the set, every feasible x has f(x) ≥ 0 = f(x*).
 * `vertex`: g is random and x* its vertex. `face`: g = 0 and x* a mixture of `atoms` vertices, on the boundary or inside.
 */
export function plantedQuadratic(
  set: FeasibleSet,
  random: Random,
  kind: 'vertex' | 'face',
  { rank = set.dimension, atoms = 2, ridge = 0 }: { rank?: number; atoms?: number; ridge?: number } = {},
): PlantedQuadratic {
  const n = set.dimension;
  const gaussian = (length: number): Float64Array => Float64Array.from({ length }, () => random.normal());
  const rows = rank + (ridge > 0 ? n : 0);
  const M = new Float64Array(rows * n);
  M.set(gaussian(rank * n));
  if (ridge > 0) for (let i = 0; i < n; i++) M[(rank + i) * n + i] = Math.sqrt(ridge);
  const g = kind === 'vertex' ? gaussian(n).map((v) => 0.3 * v) : new Float64Array(n);
  const optimum = kind === 'vertex' ? set.minimize(g) : new Float64Array(n);
  if (kind === 'face') {
    const weights = Array.from({ length: atoms }, () => 0.2 + random.uniform());
    const total = weights.reduce((sum, w) => sum + w, 0);
    for (const w of weights) set.minimize(gaussian(n)).forEach((v, i) => (optimum[i]! += (w / total) * v));
  }

  const times = (x: Float64Array): Float64Array =>
    Float64Array.from({ length: rows }, (_, i) => x.reduce((sum, v, j) => sum + M[i * n + j]! * v, 0));
  const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);
  const fromOptimum = (x: Float64Array): Float64Array => x.map((v, i) => v - optimum[i]!);
  const smoothness = singularValues(M, rows, n)[0]! ** 2;
  return {
    optimum,
    curvature: smoothness * set.diameter() ** 2,
    problem: {
      dimension: n,
      smoothness,
      value(x) {
        const e = fromOptimum(x);
        const Me = times(e);
        return dot(Me, Me) / 2 + dot(g, e);
      },
      gradient(x, out) {
        const Me = times(fromOptimum(x));
        out.set(g);
        for (let i = 0; i < rows; i++) for (let j = 0; j < n; j++) out[j]! += M[i * n + j]! * Me[i]!;
      },
      lineSearch(x, d, maxStep) {
        const Me = times(fromOptimum(x));
        const Md = times(d);
        const slope = -(dot(Me, Md) + dot(g, d));
        if (slope <= 0) return 0;
        return Math.min(maxStep, slope / dot(Md, Md));
      },
    },
  };
}
