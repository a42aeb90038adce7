import type { FeasibleSet } from './feasible-set.ts';
import { checkCount, checkRadius, defineSet } from './feasible-set.ts';
import { norm1 } from './norms.ts';
import { topKIndexes } from './top-k.ts';

/** Size of a ball. */
export interface BallOptions {
  /** Default 1. */
  readonly radius?: number;
}

/** The L1 ball {x : ‖x‖₁ ≤ radius}; its vertices are ±radius·e_i. */
export function l1Ball(dimension: number, { radius = 1 }: BallOptions = {}): FeasibleSet {
  checkCount('l1Ball', 'dimension', dimension);
  checkRadius('l1Ball', radius);
  return defineSet({
    name: `L1 ball (n = ${dimension}, radius = ${radius})`,
    dimension,
    diameter: 2 * radius,
    gauge: (x) => norm1(x) / radius,
    vertex(direction, out) {
      const i = topKIndexes(direction, 1)[0]!;
      out[i] = direction[i]! < 0 ? radius : -radius;
    },
  });
}
