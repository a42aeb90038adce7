import type { FeasibleSet } from './feasible-set.ts';
import { checkCount, checkRadius, defineSet } from './feasible-set.ts';
import type { SparseSetOptions } from './k-sparse-polytope.ts';
import { kSupportNorm, norm2 } from './norms.ts';
import { topKIndexes } from './top-k.ts';

/**
 * The k-support norm ball: the convex hull of {v : ‖v‖₀ ≤ k, ‖v‖₂ ≤ radius} (Argyriou, Foygel and Srebro 2012). Its
 * oracle keeps the k largest entries of the gradient, with their proportions (Zimmer, Spiegel and Pokutta 2022).
 * k = 1 is the L1 ball, k = n the L2 ball. For a zero direction the oracle answers -radius·e_0.
 */
export function kSupportBall(dimension: number, { k, radius = 1 }: SparseSetOptions): FeasibleSet {
  checkCount('kSupportBall', 'dimension', dimension);
  checkCount('kSupportBall', 'k', k, dimension);
  checkRadius('kSupportBall', radius);
  return defineSet({
    name: `k-support ball (n = ${dimension}, k = ${k}, radius = ${radius})`,
    dimension,
    diameter: 2 * radius,
    gauge: (x) => kSupportNorm(x, k) / radius,
    vertex(direction, out) {
      const support = topKIndexes(direction, k);
      const kept = new Float64Array(k);
      for (let j = 0; j < k; j++) kept[j] = direction[support[j]!]!;
      const length = norm2(kept);
      if (length === 0) out[0] = -radius;
      else for (const i of support) out[i] = radius * (-direction[i]! / length);
    },
  });
}
