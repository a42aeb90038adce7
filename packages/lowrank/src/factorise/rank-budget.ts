/**
 * Ranks for a common budget: every layer starts at rank 1, and the budget goes, step by step, to the layer where it
 * raises Π_l (1 − e_l) most per unit of cost, e_l = Σ_{i>r} σ² / Σ σ²: the part of the signal that passes all the layers in
 * turn. (The sum of the e_l instead would starve one layer, through which everything must go, for small gains in others.)
 *
 * A layer that is left whole costs less than its factors from the break-even rank mn/(m+n) on, and has no error; that jump
 * is weighed as one step, and each step is the steepest there is, so that the steps of a layer follow the lower convex
 * hull of its losses against its costs.
 */

/** One layer that competes. */
export interface RankCurve {
  /** Number of outputs and of inputs: the layer's cost is `price · m · n` whole, `price · r (m + n)` as factors. */
  readonly m: number;
  readonly n: number;
  readonly price: number;
  /** Singular values, falling. */
  readonly s: Float64Array;
}

/** Highest rank whose factors are smaller than the layer; 0 where even rank 1 is not. */
export function highestRank(m: number, n: number): number {
  return Math.ceil((m * n) / (m + n)) - 1;
}

/** Σ_{i>r} σ² / Σ σ² for r = 0 … min(m, n); zeros for a layer of zeros. */
export function tailEnergies(s: Float64Array): Float64Array {
  const tails = new Float64Array(s.length + 1);
  for (let i = s.length - 1; i >= 0; i--) tails[i] = tails[i + 1]! + s[i]! ** 2;
  const whole = tails[0]!;
  return whole === 0 ? tails : tails.map((tail) => tail / whole);
}

/** Smallest rank from 1 that keeps the fraction `energy` of Σ σ². */
export function rankForEnergy(s: Float64Array, energy: number): number {
  const tails = tailEnergies(s);
  return Math.max(
    1,
    tails.findIndex((tail) => tail <= (1 - energy) * (1 + 1e-12)),
  );
}

/** Where a layer may stand: as factors of a rank, or whole (`rank` undefined). */
interface Option {
  readonly rank: number | undefined;
  readonly cost: number;
  /** −log(1 − e) */
  readonly loss: number;
}

/** What the layers cost at the least: all at rank 1, or whole where that is not smaller. */
export function leastCost(curves: readonly RankCurve[]): number {
  return curves.reduce((total, curve) => total + optionsOf(curve)[0]!.cost, 0);
}

/**
 * The rank of each layer, undefined for one that stays whole, with Σ cost ≤ `budget`. What no step of the greedy
 * order can use any more goes to the best that still fits.
 */
export function ranksForBudget(curves: readonly RankCurve[], budget: number): (number | undefined)[] {
  const options = curves.map(optionsOf);
  const at = options.map(() => 0);
  let left = budget - leastCost(curves);
  for (;;) {
    let best: { layer: number; to: number; gain: number; cost: number } | undefined;
    for (const [layer, steps] of options.entries()) {
      const from = steps[at[layer]!]!;
      for (let to = at[layer]! + 1; to < steps.length; to++) {
        const cost = steps[to]!.cost - from.cost;
        if (cost > left) continue;
        const gain = cost === 0 ? Infinity : (from.loss - steps[to]!.loss) / cost;
        if (!best || gain > best.gain) best = { layer, to, gain, cost };
      }
    }
    if (!best) return options.map((steps, layer) => steps[at[layer]!]!.rank);
    at[best.layer] = best.to;
    left -= best.cost;
  }
}

/** By rising cost; those that cost more than leaving the layer whole are none. */
function optionsOf({ m, n, price, s }: RankCurve): Option[] {
  const tails = tailEnergies(s);
  const thin = Array.from({ length: Math.min(highestRank(m, n), s.length) }, (_, i): Option => {
    return { rank: i + 1, cost: price * (i + 1) * (m + n), loss: -Math.log1p(-tails[i + 1]!) };
  });
  return [...thin, { rank: undefined, cost: price * m * n, loss: 0 }];
}
