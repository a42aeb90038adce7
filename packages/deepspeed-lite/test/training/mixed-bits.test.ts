import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseBits, type MixedLayer } from '../../src/compress/training/mixed-bits.ts';

const layer = (name: string, parameters: number, costs: Record<number, number>): MixedLayer => ({
  name,
  parameters,
  costs: new Map(Object.entries(costs).map(([bits, cost]) => [Number(bits), cost])),
});

/** The least cost of all assignments that fit, by trying each. */
function bruteForce(layers: readonly MixedLayer[], budget: number): number {
  let best = Infinity;
  const go = (i: number, size: number, cost: number): void => {
    if (size > budget) return;
    if (i === layers.length) {
      best = Math.min(best, cost);
      return;
    }
    for (const [bits, price] of layers[i]!.costs)
      go(i + 1, size + bits * layers[i]!.parameters, cost + price);
  };
  go(0, 0, 0);
  return best;
}

describe('chooseBits', () => {
  it('spends a budget where it saves most, by hand', () => {
    const layers = [layer('flat', 10, { 8: 0, 4: 1 }), layer('steep', 10, { 8: 0, 4: 9 })];
    const { bits, cost, meanBits, totalBits } = chooseBits(layers, 120);
    expect([...bits]).toEqual([['flat', 4], ['steep', 8]]); // prettier-ignore
    expect([cost, totalBits, meanBits]).toEqual([1, 120, 6]);
  });

  it('finds what trying every assignment finds', () => {
    const layers = fc.array(
      fc.record({
        parameters: fc.integer({ min: 1, max: 50 }),
        costs: fc.uniqueArray(fc.tuple(fc.constantFrom<number[]>(2, 3, 4, 8), fc.double({ min: 0, max: 10, noNaN: true })), {
          selector: ([bits]) => bits,
          minLength: 1,
        }),
      }),
      { minLength: 1, maxLength: 6 },
    ); // prettier-ignore
    fc.assert(
      fc.property(layers, fc.double({ min: 0, max: 1, noNaN: true }), (drawn, share) => {
        const named = drawn.map(({ parameters, costs }, i) => ({
          name: `${i}`,
          parameters,
          costs: new Map<number, number>(costs),
        }));
        const at = (pick: (...widths: number[]) => number): number =>
          named.reduce((sum, { parameters, costs }) => sum + parameters * pick(...costs.keys()), 0);
        const budget = at(Math.min) + share * (at(Math.max) - at(Math.min));
        const found = chooseBits(named, budget);
        expect(found.cost).toBeCloseTo(bruteForce(named, budget), 9);
        expect(found.totalBits).toBeLessThanOrEqual(budget);
        const counted = named.reduce(
          (sum, { name, parameters }) => sum + found.bits.get(name)! * parameters,
          0,
        );
        expect(found.totalBits).toBe(counted);
        const paid = named.reduce((sum, { name, costs }) => sum + costs.get(found.bits.get(name)!)!, 0);
        expect(found.cost).toBeCloseTo(paid, 9);
      }),
    );
  });

  it('says what the smallest widths need where the budget is less', () => {
    expect(() => chooseBits([layer('a', 10, { 4: 0 })], 39)).toThrow('at least 40 bits');
  });

  it('refuses layers without a name of their own, widths or finite costs', () => {
    const one = layer('a', 10, { 4: 0 });
    expect(() => chooseBits([one, one], 999)).toThrow('given twice');
    expect(() => chooseBits([layer('a', 10, {})], 999)).toThrow('at least one width');
    expect(() => chooseBits([layer('a', 10, { 4: NaN })], 999)).toThrow('finite');
    expect(() => chooseBits([layer('a', 0, { 4: 0 })], 999)).toThrow('parameters');
    expect(() => chooseBits([], 999)).toThrow('at least one layer');
  });
});
