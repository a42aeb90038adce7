import type { FeasibleSet } from './feasible-set.ts';
import { checkCount, checkRadius, defineSet } from './feasible-set.ts';
import type { BallOptions } from './l1-ball.ts';
import { normInfinity } from './norms.ts';

/** The L∞ ball {x : |x_i| ≤ radius}; its vertices have every entry at ±radius. */
export function lInfinityBall(dimension: number, { radius = 1 }: BallOptions = {}): FeasibleSet {
  checkCount('lInfinityBall', 'dimension', dimension);
  checkRadius('lInfinityBall', radius);
  return defineSet({
    name: `L∞ ball (n = ${dimension}, radius = ${radius})`,
    dimension,
    diameter: 2 * radius * Math.sqrt(dimension),
    gauge: (x) => normInfinity(x) / radius,
    vertex(direction, out) {
      for (let i = 0; i < dimension; i++) out[i] = direction[i]! < 0 ? radius : -radius;
    },
  });
}
