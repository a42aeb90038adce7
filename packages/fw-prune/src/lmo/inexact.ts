import type { FeasibleSet, Vector } from './feasible-set.ts';

/**
 * A set whose oracle is as bad as its caller allows: it answers a point of C whose ⟨v, direction⟩ exceeds the minimum by
 * exactly the caller's `tolerance` (or by the whole width of C in that direction, if that is less). With the
 * solver's `inexactness` it is the approximate oracle of Jaggi 2013, Algorithm 2, at its worst.
 */
export function inexactOracle(set: FeasibleSet): FeasibleSet {
  function minimize<V extends Vector = Float64Array>(direction: Vector, out?: V, tolerance = 0): V {
    const best = set.minimize(direction, out);
    if (!(tolerance > 0)) return best;
    const worst = set.minimize(direction.map((g) => -g));
    let width = 0;
    for (let i = 0; i < best.length; i++) width += (worst[i]! - best[i]!) * direction[i]!;
    if (width <= 0) return best;
    const share = Math.min(1, tolerance / width);
    for (let i = 0; i < best.length; i++) best[i] = (1 - share) * best[i]! + share * worst[i]!;
    return best;
  }
  return { ...set, name: `inexact ${set.name}`, minimize };
}
