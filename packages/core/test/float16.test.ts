import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromFloat16Bits, toFloat16Bits } from '../src/files/float16.ts';

describe('float16', () => {
  it('gives back every one of the 65,536 halves', () => {
    for (let half = 0; half < 0x10000; half++) {
      const value = fromFloat16Bits(half);
      if (Number.isNaN(value)) expect(fromFloat16Bits(toFloat16Bits(value))).toBeNaN();
      else if (toFloat16Bits(value) !== half) expect.fail(`${half} came back as ${toFloat16Bits(value)}`);
    }
  });

  it.each([
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.0001, 0x0001],
    [2 ** -14, 0x0400],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [0.1, 0x2e66],
    [-0, 0x8000],
  ])('rounds %d to nearest, ties to even', (value, half) => {
    expect(toFloat16Bits(value)).toBe(half);
  });

  it('is never farther than the neighbouring halves', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -65504, max: 65504 }), (value) => {
        const half = toFloat16Bits(value);
        const error = Math.abs(fromFloat16Bits(half) - value);
        for (const neighbour of [half - 1, half + 1]) {
          const other = fromFloat16Bits(neighbour & 0xffff);
          if (Number.isFinite(other)) expect(error).toBeLessThanOrEqual(Math.abs(other - value));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
