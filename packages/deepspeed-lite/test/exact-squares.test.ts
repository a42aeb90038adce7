import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addSquares, BINS, sumOfBins } from '../src/optimizers/exact-squares.ts';

/** x as an integer multiple of 2^−149. */
const units = (x: number): bigint => {
  const [hi, lo] = new Int32Array(new Float64Array([x]).buffer).reverse();
  const exponent = (hi! >>> 20) & 0x7ff;
  const mantissa = (BigInt((hi! & 0xfffff) | 0x100000) << 32n) | BigInt(lo! >>> 0);
  return x === 0 ? 0n : (mantissa << BigInt(exponent - 1075 + 149 + 53)) >> 53n;
};

const anyFloat = fc.float({ noNaN: true, noDefaultInfinity: true });

it('adds squares of float32 numbers without any rounding', () => {
  fc.assert(
    fc.property(fc.array(anyFloat, { maxLength: 30 }), (numbers) => {
      const values = Float32Array.from(numbers);
      const bins = new Float64Array(BINS);
      addSquares(bins, 0, values, 0, values.length);
      const exact = [...values].reduce((sum, x) => sum + units(Math.abs(x)) ** 2n, 0n);
      // bin b holds multiples of 2^(26·(b − 12)); as an integer multiple of 2^−312
      const found = [...bins].reduce(
        (sum, x, b) => sum + BigInt(x / 2 ** (26 * (b - 12))) * 2n ** BigInt(26 * b),
        0n,
      );
      expect(found).toBe(exact * 2n ** 14n);
    }),
  );
});

it('gives the same bits in any order and any parts', () => {
  fc.assert(
    fc.property(fc.array(anyFloat, { minLength: 2, maxLength: 40 }), fc.nat(), (numbers, cut) => {
      const values = Float32Array.from(numbers);
      const at = cut % values.length;
      const [whole, parts] = [new Float64Array(BINS), new Float64Array(2 * BINS)];
      addSquares(whole, 0, values, 0, values.length);
      addSquares(parts, BINS, values, at, values.length);
      addSquares(parts, BINS, values, 0, at);
      expect(parts.subarray(BINS)).toEqual(whole);
    }),
  );
});

it('is the sum of squares to the last bits of a float64', () => {
  const values = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 10 ** (i % 7));
  const bins = new Float64Array(BINS);
  addSquares(bins, 0, values, 0, values.length);
  const naive = values.reduce((sum, x) => sum + x * x, 0);
  expect(Math.abs(sumOfBins(bins, 0) / naive - 1)).toBeLessThan(1e-13);
});

it.each([[NaN], [Infinity], [-Infinity]])('is not finite with %d among the numbers', (bad) => {
  const bins = new Float64Array(BINS);
  addSquares(bins, 0, new Float32Array([1, bad, 2]), 0, 3);
  expect(Number.isFinite(sumOfBins(bins, 0))).toBe(false);
});
