import '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adviseSketch, countCollisions, predictCollisions } from '../src/adviser/index.ts';
import { CountSketchEmbedding } from '../src/layers/index.ts';

const zipf = (exponent: number, tokens: number) =>
  Float64Array.from({ length: tokens }, (_, x) => 1e6 / (x + 1) ** exponent);
const rates = ['collisionRate', 'outweighedRate', 'lossRate'] as const;

describe('adviseSketch', () => {
  it.each([0.6, 0.8, 1, 1.2, 1.5])(
    'predicts each rate of the real hashes to a twentieth, of what it advises: Zipf %f',
    (exponent) => {
      const counts = zipf(exponent, 8000);
      for (const compression of [4, 16, 64]) {
        const bytes = (8000 * 32 * 4) / compression;
        const { heavyHitters, ...advice } = adviseSketch({ counts, bytes, dimension: 32 });
        const size = { ...advice, heavyHitters: heavyHitters.length };
        const real = Array.from({ length: 12 }, (_, seed) => countCollisions(counts, size, seed));
        for (const rate of rates) {
          const mean = real.reduce((sum, one) => sum + one[rate], 0) / real.length;
          expect(Math.abs(advice[rate] - mean), `${rate} ${advice[rate]} ${mean}`).toBeLessThanOrEqual(
            0.05 * mean,
          );
          if (rate === 'collisionRate')
            for (const one of real)
              expect(Math.abs(advice[rate] - one[rate]), `${one[rate]}`).toBeLessThanOrEqual(
                0.05 * one[rate],
              );
        }
      }
    },
  );

  it('never takes more than the budget, and says what the layer takes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1000), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 20000 }),
        (list, dimension, extra) => {
          const counts = [...list, 1];
          const bytes = 8 + 4 * dimension + extra;
          const { hashes, rows, heavyHitters, ...advice } = adviseSketch({ counts, bytes, dimension });
          expect(advice.bytes).toBeLessThanOrEqual(bytes);
          const layer = new CountSketchEmbedding({
            vocabulary: counts.length,
            dimension,
            hashes,
            rows,
            heavyHitters,
          });
          expect(advice.bytes).toBe(layer.storedBytes);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('finds the least loss of a full search to a hundredth', () => {
    const counts = zipf(1, 300);
    const [bytes, dimension] = [8 + 60 * 20, 4];
    const advice = adviseSketch({ counts, bytes, dimension });
    let least = 1;
    for (const hashes of [1, 3, 5, 7])
      for (let heavyHitters = 0; heavyHitters <= 60; heavyHitters++) {
        const rows = Math.floor((bytes - 8 - heavyHitters * 20) / (16 * hashes));
        if (rows < 1) continue;
        least = Math.min(least, predictCollisions(counts, { hashes, rows, heavyHitters }).lossRate);
      }
    expect(advice.lossRate).toBeLessThanOrEqual(least + 0.01);
  });

  it('loses less with more bytes, and nothing where every token fits', () => {
    const counts = zipf(1, 500);
    const losses = [2e3, 8e3, 2e4].map((bytes) => adviseSketch({ counts, bytes, dimension: 8 }).lossRate);
    expect(losses[1]).toBeLessThan(losses[0]!);
    expect(losses[2]).toBeLessThan(losses[1]!);
    expect(adviseSketch({ counts, bytes: 8 + 500 * 36 + 32, dimension: 8 }).lossRate).toBe(0);
  });

  it('refuses a budget below one row, and counts that say nothing', () => {
    expect(() => adviseSketch({ counts: [1], bytes: 39, dimension: 8 })).toThrow(/, 40, got 39/);
    expect(() => adviseSketch({ counts: [0, 0], bytes: 99, dimension: 8 })).toThrow(/none of 2/);
    expect(() => adviseSketch({ counts: [1, NaN], bytes: 99, dimension: 8 })).toThrow(/NaN at position 1/);
    expect(() => adviseSketch({ counts: [1], bytes: 99, dimension: 0 })).toThrow(/dimension must be/);
  });
});

describe('predictCollisions', () => {
  it('has the values of a hand-worked case: three tokens, two rows, one hash', () => {
    const { collisionRate, outweighedRate, lossRate } = predictCollisions([2, 1, 1], {
      hashes: 1,
      rows: 2,
      heavyHitters: 0,
    });
    expect(collisionRate).toBeCloseTo(3 / 4, 12);
    expect(outweighedRate).toBeCloseTo((2 * 0 + 1 / 2 + 3 / 4) / 4, 12);
    expect(lossRate).toBeCloseTo(outweighedRate, 12);
  });

  it('loses the middle of three hashes where two of them are lost', () => {
    const { lossRate } = predictCollisions([1, 1], { hashes: 3, rows: 4, heavyHitters: 0 });
    expect(lossRate).toBeCloseTo((3 * (1 / 16) * (3 / 4) + 1 / 64) / 2, 12);
  });

  it('is certain with one row, and of heavy hitters nothing is lost', () => {
    expect(predictCollisions([3, 1], { hashes: 3, rows: 1, heavyHitters: 0 })).toEqual({
      collisionRate: 1,
      outweighedRate: 1 / 4,
      lossRate: 1 / 4,
    });
    expect(predictCollisions([3, 1], { hashes: 1, rows: 1, heavyHitters: 2 }).collisionRate).toBe(0);
  });
});
