import type { FeasibleSet } from './feasible-set.ts';
import { checkCount, checkRadius, defineSet } from './feasible-set.ts';

/** Size of a simplex. */
export interface SimplexOptions {
  /** The sum of the entries. Default 1, the probability simplex. */
  readonly scale?: number;
}

/** The scaled simplex {x ≥ 0 : Σ x_i = scale}; its vertices are scale·e_i. */
export function simplex(dimension: number, { scale = 1 }: SimplexOptions = {}): FeasibleSet {
  checkCount('simplex', 'dimension', dimension);
  checkRadius('simplex', scale);
  return defineSet({
    name: `simplex (n = ${dimension}, scale = ${scale})`,
    dimension,
    diameter: dimension === 1 ? 0 : scale * Math.SQRT2,
    contains(x, tolerance) {
      let sum = 0;
      for (let i = 0; i < dimension; i++) {
        if (x[i]! < -tolerance * scale) return false;
        sum += x[i]!;
      }
      return Math.abs(sum - scale) <= tolerance * scale;
    },
    vertex(direction, out) {
      let best = 0;
      for (let i = 1; i < dimension; i++) if (direction[i]! < direction[best]!) best = i;
      out[best] = scale;
    },
  });
}
