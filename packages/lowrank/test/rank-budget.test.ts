import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  highestRank,
  leastCost,
  rankForEnergy,
  ranksForBudget,
  tailEnergies,
  type RankCurve,
} from '../src/factorise/rank-budget.ts';

const costOf = ({ m, n, price }: RankCurve, rank: number | undefined) =>
  price * (rank === undefined ? m * n : rank * (m + n));
const lossOf = ({ s }: RankCurve, rank: number | undefined) =>
  rank === undefined ? 0 : -Math.log1p(-tailEnergies(s)[rank]!);

function totals(curves: readonly RankCurve[], ranks: readonly (number | undefined)[]) {
  const sum = (of: typeof costOf | typeof lossOf) =>
    curves.reduce((total, curve, i) => total + of(curve, ranks[i]), 0);
  return { cost: sum(costOf), loss: sum(lossOf) };
}

/** Every choice there is. */
function bestOfAll(curves: readonly RankCurve[], budget: number): number {
  let best = Infinity;
  const choose = (at: number, ranks: (number | undefined)[]): void => {
    if (at === curves.length) {
      const { cost, loss } = totals(curves, ranks);
      if (cost <= budget) best = Math.min(best, loss);
      return;
    }
    const { m, n } = curves[at]!;
    for (let r = 1; r <= highestRank(m, n); r++) choose(at + 1, [...ranks, r]);
    choose(at + 1, [...ranks, undefined]);
  };
  choose(0, []);
  return best;
}

const curve = fc
  .record({
    m: fc.integer({ min: 1, max: 9 }),
    n: fc.integer({ min: 1, max: 9 }),
    price: fc.constantFrom(1, 4, 100),
    values: fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 9, maxLength: 9 }),
  })
  .map(({ m, n, price, values }): RankCurve => {
    const s = Float64Array.from(values.slice(0, Math.min(m, n)))
      .sort()
      .reverse();
    return { m, n, price, s };
  });

describe('the break-even rank', () => {
  it('is the last one whose factors are smaller than the layer', () => {
    for (const [m, n] of [[25, 20], [800, 500], [500, 10], [4, 4], [1, 7], [6, 3]] as const) {
      const r = highestRank(m, n);
      expect(r * (m + n)).toBeLessThan(m * n);
      expect((r + 1) * (m + n)).toBeGreaterThanOrEqual(m * n);
    } // prettier-ignore
  });
});

describe('ranksForBudget', () => {
  it('keeps the budget, and no rank more fits', () => {
    fc.assert(
      fc.property(fc.array(curve, { minLength: 1, maxLength: 4 }), fc.double({ min: 0, max: 1, noNaN: true }), (curves, part) => {
        const least = leastCost(curves);
        const whole = totals(curves, curves.map(() => undefined)).cost;
        const budget = least + part * (whole - least);
        const ranks = ranksForBudget(curves, budget);
        const { cost } = totals(curves, ranks);
        expect(cost).toBeLessThanOrEqual(budget * (1 + 1e-12));
        for (const [i, rank] of ranks.entries()) {
          if (rank === undefined) continue;
          const { m, n, price } = curves[i]!;
          const step = rank < highestRank(m, n) ? price * (m + n) : price * (m * n - rank * (m + n));
          expect(cost + step).toBeGreaterThan(budget);
        }
      }),
    ); // prettier-ignore
  });

  it('misses the best of all choices by no more than one step', () => {
    fc.assert(
      fc.property(fc.array(curve, { minLength: 1, maxLength: 3 }), fc.double({ min: 0, max: 1, noNaN: true }), (curves, part) => {
        const least = leastCost(curves);
        const whole = totals(curves, curves.map(() => undefined)).cost;
        const budget = least + part * (whole - least);
        const { loss } = totals(curves, ranksForBudget(curves, budget));
        expect(loss).toBeGreaterThanOrEqual(bestOfAll(curves, budget) - 1e-9);
        // what is left of the budget is less than the largest step, whose price the better choice may have used
        const largest = Math.max(...curves.map(({ m, n, price }) => price * (m * n)));
        expect(loss).toBeLessThanOrEqual(bestOfAll(curves, Math.max(least, budget - largest)) + 1e-9);
      }),
      { numRuns: 60 },
    ); // prettier-ignore
  });

  it('gives the budget to the layer whose singular values need it', () => {
    const flat: RankCurve = { m: 10, n: 10, price: 1, s: new Float64Array(10).fill(1) };
    const steep: RankCurve = {
      m: 10,
      n: 10,
      price: 1,
      s: Float64Array.from({ length: 10 }, (_, i) => 10 ** -i),
    };
    expect(ranksForBudget([flat, steep], 100)).toEqual([4, 1]);
  });
});

describe('rankForEnergy', () => {
  it('is the smallest rank that keeps the energy', () => {
    const s = Float64Array.from([3, 2, 1]); // 9, 4 and 1 of 14
    expect(rankForEnergy(s, 9 / 14)).toBe(1);
    expect(rankForEnergy(s, 0.65)).toBe(2);
    expect(rankForEnergy(s, 13 / 14)).toBe(2);
    expect(rankForEnergy(s, 0.99)).toBe(3);
    expect(rankForEnergy(new Float64Array(3), 0.9)).toBe(1);
  });
});
