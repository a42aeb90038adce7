import { ArgumentError } from '@ockham/core';
import type { FeasibleSet, Vector } from './feasible-set.ts';
import { checkCount, checkRadius, defineSet } from './feasible-set.ts';
import type { SparseSetOptions } from './k-sparse-polytope.ts';
import { kSupportNorm, normInfinity } from './norms.ts';
import { topKIndexes } from './top-k.ts';

/**
 * The group k-support ball: the convex hull of {v : at most k groups are non-zero, ‖v‖₂ ≤ radius}, for disjoint
 * groups. With one group per filter or neuron, vertices switch whole filters or neurons on and off. Its gauge is
 * the k-support norm of the groups' Euclidean norms. For a zero direction the oracle answers -radius·e_0.
 *
 * @param groupOf The group of each coordinate, integers 0 … groups-1, each used at least once. For a kernel
 *   `[kh, kw, in, out]` grouped by output filter, `groupOf[i] = i % out`.
 */
export function groupKSupportBall(
  groupOf: ArrayLike<number>,
  { k, radius = 1 }: SparseSetOptions,
): FeasibleSet {
  const dimension = groupOf.length;
  checkCount('groupKSupportBall', 'the number of coordinates', dimension);
  const group = Int32Array.from(groupOf);
  const groups = group.reduce((most, g) => Math.max(most, g), -1) + 1;
  const sizes = new Float64Array(Math.max(0, groups));
  for (let i = 0; i < dimension; i++) {
    if (!Number.isInteger(groupOf[i]) || groupOf[i]! < 0) {
      throw new ArgumentError(
        `groupKSupportBall: groups must be integers ≥ 0, got ${groupOf[i]} at index ${i}.`,
      );
    }
    sizes[group[i]!]!++;
  }
  const empty = sizes.indexOf(0);
  if (empty >= 0)
    throw new ArgumentError(
      `groupKSupportBall: group ${empty} of ${groups} has no coordinate. Number them without gaps.`,
    );
  checkCount('groupKSupportBall', 'k', k, groups);
  checkRadius('groupKSupportBall', radius);

  const groupNorms = (x: Vector, scale: number): Float64Array => {
    const norms = new Float64Array(groups);
    for (let i = 0; i < dimension; i++) norms[group[i]!]! += (x[i]! / scale) ** 2;
    return norms.map(Math.sqrt);
  };

  return defineSet({
    name: `group k-support ball (n = ${dimension}, groups = ${groups}, k = ${k}, radius = ${radius})`,
    dimension,
    diameter: 2 * radius,
    gauge: (x) => kSupportNorm(groupNorms(x, 1), k) / radius,
    vertex(direction, out) {
      const scale = normInfinity(direction);
      if (scale === 0) {
        out[0] = -radius;
        return;
      }
      const norms = groupNorms(direction, scale);
      const chosen = new Uint8Array(groups);
      let squares = 0;
      for (const g of topKIndexes(norms, k)) {
        chosen[g] = 1;
        squares += norms[g]! ** 2;
      }
      const factor = -radius / Math.sqrt(squares);
      for (let i = 0; i < dimension; i++) if (chosen[group[i]!]) out[i] = factor * (direction[i]! / scale);
    },
  });
}
