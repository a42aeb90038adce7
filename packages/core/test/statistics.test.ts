import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { mean, median, pairedTTest, quantile, standardDeviation } from '@ockham/core/metrics';

interface Reference {
  a: number[];
  b: number[];
  confidence: number;
  median: number;
  quantiles: Record<string, number>;
  meanDifference: number;
  standardDeviation: number;
  t: number;
  degreesOfFreedom: number;
  p: number;
  pGreater: number;
  pLess: number;
  confidenceInterval: [number, number];
}

/** Written by fixtures/paired-t-test.py with SciPy. */
const { cases } = JSON.parse(
  readFileSync(new URL('fixtures/paired-t-test.json', import.meta.url), 'utf8'),
) as { cases: Reference[] };

/** Relative, of jStat's incomplete beta function. */
const PRECISION = 1e-8;

describe('statistics', () => {
  it('match values worked by hand', () => {
    expect(mean([1, 2, 6])).toBe(3);
    expect(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7), 12);
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(quantile([0, 10], 0.25)).toBe(2.5);
  });

  it('leave the input’s order alone', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('say that the spread of one value is not known', () => {
    expect(standardDeviation([5])).toBeNaN();
    expect(median([5])).toBe(5);
  });

  it('keep quantiles within the values, rising with p', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, p, q) => {
          const [low, high] = [quantile(values, Math.min(p, q)), quantile(values, Math.max(p, q))];
          expect(low).toBeGreaterThanOrEqual(Math.min(...values));
          expect(high).toBeLessThanOrEqual(Math.max(...values) + 1e-9);
          expect(high).toBeGreaterThanOrEqual(low - 1e-9);
        },
      ),
    );
  });

  it('refuse an empty list, NaN and a p out of range', () => {
    expect(() => mean([])).toThrow(/mean: needs at least one value/);
    expect(() => median([1, Number.NaN])).toThrow(/median: values must be finite, got NaN at index 1/);
    expect(() => quantile([1], 1.5)).toThrow(/p must be in \[0, 1\], got 1.5/);
  });
});

describe('pairedTTest', () => {
  it.each(cases.map((reference) => [reference.a.length, reference] as const))(
    'agrees with SciPy on %i pairs',
    (_, reference) => {
      const { a, b, confidence, quantiles, ...expected } = reference;
      const result = pairedTTest(a, b, { confidence });
      for (const key of ['meanDifference', 'standardDeviation', 't', 'p', 'pGreater', 'pLess'] as const) {
        expect(Math.abs(result[key] - expected[key]) / Math.abs(expected[key]), key).toBeLessThan(PRECISION);
      }
      expect(result.degreesOfFreedom).toBe(expected.degreesOfFreedom);
      for (const side of [0, 1] as const) {
        const error = Math.abs(result.confidenceInterval[side] - expected.confidenceInterval[side]);
        expect(error).toBeLessThan(1e-7 * Math.abs(expected.confidenceInterval[side]));
      }
      expect(median(a)).toBeCloseTo(expected.median, 10);
      for (const [p, value] of Object.entries(quantiles))
        expect(quantile(a, Number(p))).toBeCloseTo(value, 10);
    },
  );

  it('turns round with its arguments', () => {
    const there = pairedTTest([1, 3, 2], [2, 5, 5]);
    const back = pairedTTest([2, 5, 5], [1, 3, 2]);
    expect(back.t).toBe(-there.t);
    expect(back.p).toBe(there.p);
    expect(back.pGreater).toBe(there.pLess);
  });

  it('takes equal pairs as no evidence and one same difference as certain', () => {
    expect(pairedTTest([1, 2], [1, 2])).toMatchObject({ t: 0, p: 1, confidenceInterval: [0, 0] });
    expect(pairedTTest([2, 3], [1, 2])).toMatchObject({
      t: Number.POSITIVE_INFINITY,
      p: 0,
      pGreater: 0,
      pLess: 1,
    });
  });

  it('refuses one pair, unequal lengths, NaN and a confidence of 1', () => {
    expect(() => pairedTTest([1], [2])).toThrow(/two or more pairs/);
    expect(() => pairedTTest([1, 2], [2])).toThrow(/got 2 and 1 values/);
    expect(() => pairedTTest([1, Number.NaN], [2, 3])).toThrow(/must be finite/);
    expect(() => pairedTTest([1, 2], [2, 3], { confidence: 1 })).toThrow(/confidence must be in \(0, 1\)/);
  });
});
