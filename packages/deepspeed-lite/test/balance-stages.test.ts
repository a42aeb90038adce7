import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { balanceStages } from '../src/pipeline/balance-stages.ts';

const worstOf = (costs: readonly number[], cuts: readonly number[]): number =>
  Math.max(...cuts.slice(1).map((end, s) => costs.slice(cuts[s], end).reduce((sum, cost) => sum + cost, 0)));

/** The least worst cost of all ways to cut. */
function bruteForce(costs: readonly number[], stages: number, begin = 0): number {
  if (stages === 1) return worstOf(costs, [begin, costs.length]);
  let best = Infinity;
  for (let end = begin + 1; end <= costs.length - stages + 1; end++)
    best = Math.min(best, Math.max(worstOf(costs, [begin, end]), bruteForce(costs, stages - 1, end)));
  return best;
}

describe('balanceStages', () => {
  it('gives the optimum of all ways to cut, with no stage empty', () => {
    const costs = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(costs, fc.integer({ min: 1, max: 5 }), (given, wanted) => {
        const stages = Math.min(wanted, given.length);
        const cuts = balanceStages(given, stages);
        expect(cuts).toHaveLength(stages + 1);
        expect([cuts[0], cuts.at(-1)]).toEqual([0, given.length]);
        for (let s = 0; s < stages; s++) expect(cuts[s + 1]).toBeGreaterThan(cuts[s]!);
        expect(worstOf(given, cuts)).toBe(bruteForce(given, stages));
      }),
    );
  });

  it('refuses more stages than blocks, and a cost that is no cost', () => {
    expect(() => balanceStages([1, 2], 3)).toThrow(/\[1, 2\], the number of blocks, got 3/);
    expect(() => balanceStages([1, NaN], 2)).toThrow(/got NaN for block 1/);
  });
});
