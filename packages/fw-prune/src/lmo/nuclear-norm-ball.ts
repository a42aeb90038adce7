import { ArgumentError } from '@ockham/core';
import type { Seed } from '@ockham/core/random';
import { toRandom } from '@ockham/core/random';
import type { FeasibleSet, Vector } from './feasible-set.ts';
import { checkCount, checkRadius, defineSet } from './feasible-set.ts';
import { norm2, normInfinity } from './norms.ts';
import { singularValues } from './singular-values.ts';

/** How large the ball is and how exactly its oracle is solved. */
export interface NuclearNormBallOptions {
  /** Default 1. */
  readonly radius?: number;
  /** The power iteration stops when the right singular vector moves by less than this. Default 1e-10. */
  readonly tolerance?: number;
  /** Power iterations at most, two matrix-vector products each. Default 10,000. */
  readonly maxIterations?: number;
  /** Seeds the start of the power iteration, drawn once. Default 0. */
  readonly seed?: Seed;
}

/**
 * The nuclear-norm ball {X : Σ σ_i(X) ≤ radius} of `[rows, columns]` matrices, flattened row-major. The oracle is
 * -radius·u₁v₁ᵀ of the gradient's top singular pair, by power iteration (Jaggi 2013, Section 4.3). Where the top
 * singular values nearly agree the vectors converge slowly, but ⟨V, G⟩ = -radius·uᵀGv is then close to its minimum
 * for any mixture of them. A caller's additive tolerance stops the iteration earlier.
 * For a zero direction the oracle answers -radius at index 0.
 */
export function nuclearNormBall(
  rows: number,
  columns: number,
  { radius = 1, tolerance = 1e-10, maxIterations = 10_000, seed = 0 }: NuclearNormBallOptions = {},
): FeasibleSet {
  checkCount('nuclearNormBall', 'rows', rows);
  checkCount('nuclearNormBall', 'columns', columns);
  checkCount('nuclearNormBall', 'maxIterations', maxIterations);
  checkRadius('nuclearNormBall', radius);
  if (!(tolerance > 0 && tolerance < 1)) {
    throw new ArgumentError(`nuclearNormBall: tolerance must be in (0, 1), got ${tolerance}.`);
  }
  const random = toRandom(seed).stream('power-iteration');
  const start = Float64Array.from({ length: columns }, () => random.normal());

  return defineSet({
    name: `nuclear-norm ball (${rows} × ${columns}, radius = ${radius})`,
    dimension: rows * columns,
    diameter: 2 * radius,
    gauge: (x) => singularValues(x, rows, columns).reduce((sum, s) => sum + s, 0) / radius,
    vertex(direction, out, allowed) {
      const scale = normInfinity(direction);
      if (scale === 0) {
        out[0] = -radius;
        return;
      }
      const G = Float64Array.from(direction, (g) => g / scale);
      const { u, v } = topSingularPair(G, start, allowed / (radius * scale));
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) out[i * columns + j] = -radius * u[i]! * v[j]!;
      }
    },
  });

  function topSingularPair(
    G: Vector,
    from: Float64Array,
    allowed: number,
  ): { u: Float64Array; v: Float64Array } {
    const u = new Float64Array(rows);
    const v = normalise(from.slice());
    const next = new Float64Array(columns);
    for (let iteration = 0; iteration < maxIterations; iteration++) {
      u.fill(0);
      for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) u[i]! += G[i * columns + j]! * v[j]!;
      normalise(u);
      next.fill(0);
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) next[j]! += G[i * columns + j]! * u[i]!;
      const sigma = norm2(next);
      normalise(next);
      let moved = 0;
      for (let j = 0; j < columns; j++) moved += (next[j]! - v[j]!) ** 2;
      v.set(next);
      if (Math.sqrt(moved) <= tolerance || sigma * Math.sqrt(moved) <= allowed) break;
    }
    return { u, v };
  }
}

function normalise(x: Float64Array): Float64Array {
  const length = norm2(x);
  if (length > 0) for (let i = 0; i < x.length; i++) x[i]! /= length;
  return x;
}
