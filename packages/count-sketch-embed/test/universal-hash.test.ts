import { Random } from '@ockham/core/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UniversalHash } from '../src/hashing/index.ts';

describe('UniversalHash', () => {
  it('is the upper half of a·m(x) + b modulo 2⁶⁴, with m of MurmurHash3', () => {
    const m = (x: bigint) => {
      const first = BigInt.asUintN(32, (x ^ (x >> 16n)) * 0x85ebca6bn);
      const second = BigInt.asUintN(32, (first ^ (first >> 13n)) * 0xc2b2ae35n);
      return second ^ (second >> 16n);
    };
    const word = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(
        word,
        word,
        word,
        word,
        word,
        fc.integer({ min: 1, max: 2 ** 31 }),
        (aH, aL, bH, bL, x, n) => {
          const hash = new UniversalHash([aH, aL, bH, bL]);
          const join = (high: number, low: number) => (BigInt(high) << 32n) | BigInt(low);
          const expected = BigInt.asUintN(64, join(aH, aL) * m(BigInt(x)) + join(bH, bL)) >> 32n;
          expect(hash.hash(x)).toBe(Number(expected));
          expect(hash.bucket(x, n)).toBe(Number((expected * BigInt(n)) >> 32n));
        },
      ),
    );
  });

  it('fills buckets evenly over the functions of the family', () => {
    const random = new Random(3);
    const counts = new Array<number>(16).fill(0);
    for (let i = 0; i < 16_000; i++) counts[UniversalHash.draw(random).bucket(12345, 16)]! += 1;
    const chiSquare = counts.reduce((sum, c) => sum + (c - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(37.7); // 99.9 % of χ²(15)
  });

  it('loads rows with consecutive keys as chance would, whatever the function', () => {
    const random = new Random(5);
    const [keys, rows] = [14_821, 308];
    for (let draw = 0; draw < 300; draw++) {
      const hash = UniversalHash.draw(random);
      const loads = new Int32Array(rows);
      for (let x = 0; x < keys; x++) loads[hash.bucket(x, rows)]! += 1;
      const shared = loads.reduce((total, n) => total + n * (n - 1), 0) / keys;
      // mean 48.1, deviation about 0.3 where keys fall independently
      expect(shared).toBeGreaterThan(44);
      expect(shared).toBeLessThan(52);
    }
  });
});
