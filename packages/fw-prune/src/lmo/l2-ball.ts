import type { FeasibleSet } from './feasible-set.ts';
import { checkCount, checkRadius, defineSet } from './feasible-set.ts';
import type { BallOptions } from './l1-ball.ts';
import { norm2 } from './norms.ts';

/** The L2 ball {x : ‖x‖₂ ≤ radius}. For a zero direction the oracle answers -radius·e_0. */
export function l2Ball(dimension: number, { radius = 1 }: BallOptions = {}): FeasibleSet {
  checkCount('l2Ball', 'dimension', dimension);
  checkRadius('l2Ball', radius);
  return defineSet({
    name: `L2 ball (n = ${dimension}, radius = ${radius})`,
    dimension,
    diameter: 2 * radius,
    gauge: (x) => norm2(x) / radius,
    vertex(direction, out) {
      const length = norm2(direction);
      if (length === 0) out[0] = -radius;
      else for (let i = 0; i < dimension; i++) out[i] = radius * (-direction[i]! / length);
    },
  });
}
