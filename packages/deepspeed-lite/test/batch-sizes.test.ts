import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchSizes } from '../src/index.ts';

describe('batchSizes', () => {
  it('completes any one or two sizes, so that global = micro · accumulation · ranks', () => {
    const size = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(
        size,
        size,
        size,
        fc.subarray(['globalBatch', 'microBatch', 'accumulation'] as const),
        (microBatch, accumulation, ranks, known) => {
          const all = { globalBatch: microBatch * accumulation * ranks, microBatch, accumulation };
          const made = batchSizes(Object.fromEntries(known.map((name) => [name, all[name]])), ranks);
          expect(made.globalBatch).toBe(made.microBatch * made.accumulation * ranks);
          for (const name of known) expect(made[name]).toBe(all[name]);
          if (known.length >= 2) expect(made).toEqual(all);
        },
      ),
    );
  });

  it('takes 32 examples at once where nothing is said', () => {
    expect(batchSizes({}, 4)).toEqual({ globalBatch: 128, microBatch: 32, accumulation: 1 });
  });

  it.each([
    [
      { globalBatch: 30, microBatch: 8 },
      2,
      'a multiple of microBatch 8 × 2 data ranks = 16, got 30. Set it to 32',
    ],
    [
      { globalBatch: 32, microBatch: 8, accumulation: 3 },
      2,
      'microBatch 8 × accumulation 3 × 2 data ranks = 48, got 32. Set it to 48',
    ],
    [{ globalBatch: 10 }, 4, 'a multiple of accumulation 1 × 4 data ranks = 4, got 10. Set it to 12'],
    [{ microBatch: 0 }, 1, 'microBatch must be an integer ≥ 1, got 0'],
  ])('explains the conflict of %j on %i ranks', (given, ranks, message) => {
    expect(() => batchSizes(given, ranks)).toThrow(message);
  });
});
