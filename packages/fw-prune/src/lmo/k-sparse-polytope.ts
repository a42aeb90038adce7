import type { FeasibleSet } from './feasible-set.ts';
import { checkCount, checkRadius, defineSet } from './feasible-set.ts';
import { norm1, normInfinity } from './norms.ts';
import { topKIndexes } from './top-k.ts';

/** How sparse and how large a vertex is. */
export interface SparseSetOptions {
  /** Non-zero entries of a vertex (for groups: non-zero groups), in [1, n]. */
  readonly k: number;
  /** Default 1. */
  readonly radius?: number;
}

/**
 * The k-sparse polytope: the convex hull of vectors with k entries at ±radius and the others 0, that is
 * {x : ‖x‖₁ ≤ k·radius, ‖x‖_∞ ≤ radius} (Pokutta, Spiegel and Zimmer 2020, Section 2.1).
 * k = 1 is the L1 ball, k = n the L∞ ball.
 */
export function kSparsePolytope(dimension: number, { k, radius = 1 }: SparseSetOptions): FeasibleSet {
  checkCount('kSparsePolytope', 'dimension', dimension);
  checkCount('kSparsePolytope', 'k', k, dimension);
  checkRadius('kSparsePolytope', radius);
  return defineSet({
    name: `k-sparse polytope (n = ${dimension}, k = ${k}, radius = ${radius})`,
    dimension,
    diameter: 2 * radius * Math.sqrt(k),
    gauge: (x) => Math.max(norm1(x) / k, normInfinity(x)) / radius,
    vertex(direction, out) {
      for (const i of topKIndexes(direction, k)) out[i] = direction[i]! < 0 ? radius : -radius;
    },
  });
}
