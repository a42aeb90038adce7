import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { medianDeviation, mixedDimensionBlocks } from '../src/layers/index.ts';

describe('mixedDimensionBlocks', () => {
  it('halves widths as counts fall, by hand', () => {
    // counts within a factor of two are one block; (25/400)^½ · 64 = 16, (1/400)^½ · 64 = 3.2 → 4
    expect(mixedDimensionBlocks([400, 400, 25, 25, 25, 1, 0], 64, { temperature: 0.5 })).toEqual([
      { tokens: 2, width: 64 },
      { tokens: 3, width: 16 },
      { tokens: 2, width: 4 },
    ]);
  });

  it('covers any vocabulary, with widths that never rise', () => {
    const counts = fc.array(fc.nat({ max: 100_000 }), { minLength: 1, maxLength: 60 });
    const temperature = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 300 }), temperature, (some, dimension, alpha) => {
        const sorted = some.sort((a, b) => b - a);
        const blocks = mixedDimensionBlocks(sorted, dimension, { temperature: alpha });
        expect(blocks.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(sorted.length);
        expect(blocks[0]!.width).toBe(dimension);
        blocks.slice(1).forEach(({ width }, b) => expect(width).toBeLessThan(blocks[b]!.width));
        if (alpha === 0) expect(blocks).toHaveLength(1);
      }),
    );
  });

  it('refuses counts that rise, that are negative or no numbers, and wild temperatures', () => {
    expect(() => mixedDimensionBlocks([1, 2], 8)).toThrow(/never rise, got 2 at 1. Sort/);
    expect(() => mixedDimensionBlocks([3, NaN], 8)).toThrow(/got NaN at 1/);
    expect(() => mixedDimensionBlocks([-1], 8)).toThrow(/got -1 at 0/);
    expect(() => mixedDimensionBlocks([], 8)).toThrow(/number of counts/);
    expect(() => mixedDimensionBlocks([1], 8, { temperature: 2 })).toThrow(/in \[0, 1\], got 2/);
  });
});

describe('medianDeviation', () => {
  it('is that of order statistics', () => {
    // variances of medians from tables of order statistics of a normal sample; of 4: (var X₂ + var X₃ + 2 cov) / 4 = (0.36046 + 0.23594) / 2
    expect(medianDeviation(1)).toBe(1);
    expect(medianDeviation(2)).toBeCloseTo(Math.SQRT1_2, 12);
    expect(medianDeviation(3) ** 2).toBeCloseTo(0.44867, 4);
    expect(medianDeviation(4) ** 2).toBeCloseTo(0.2982, 4);
    expect(medianDeviation(5) ** 2).toBeCloseTo(0.28683, 4);
    expect(medianDeviation(101) ** 2 * 101).toBeCloseTo(Math.PI / 2, 1);
  });
});
