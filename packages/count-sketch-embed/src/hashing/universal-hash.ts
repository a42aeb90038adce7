/**
 * Strongly universal hashing of 32-bit keys: h(x) = ⌊(a·m(x) + b mod 2⁶⁴) / 2³²⌋ with random 64-bit a and b, and m a fixed
 * permutation of the keys. Any two keys get independent, uniform 32-bit values.
 *
 * Source: Dietzfelbinger 1996, "Universal hashing and k-wise independent random variables via integer arithmetic without
 * primes", theorem 3; m is the last step of MurmurHash3 (Appleby 2011).
 * Deviations: m. It changes nothing for a pair of keys; but without it the keys 0, 1, 2, … of a vocabulary are an arithmetic
 * progression modulo 2⁶⁴, and where a/2⁶⁴ is near a fraction of small denominator most buckets stay empty.
 */
import { ArgumentError } from '@ockham/core';
import type { Random } from '@ockham/core/random';

/** The 64-bit numbers a and b, each as its upper and lower half (unsigned 32-bit). */
export type HashCoefficients = readonly [aHigh: number, aLow: number, bHigh: number, bLow: number];

/** One function of the family. */
export class UniversalHash {
  /** The numbers that make it this function of its family. */
  readonly coefficients: HashCoefficients;

  constructor(coefficients: HashCoefficients) {
    if (coefficients.some((c) => !Number.isInteger(c) || c < 0 || c > 0xffffffff)) {
      throw new ArgumentError(
        `UniversalHash: coefficients must be four unsigned 32-bit integers, got ${coefficients.join(', ')}. Draw them with UniversalHash.draw.`,
      );
    }
    this.coefficients = coefficients;
  }

  /** A random function of the family. */
  static draw(random: Random): UniversalHash {
    const half = () => random.integer(2 ** 32);
    return new UniversalHash([half(), half(), half(), half()]);
  }

  /** A uniform unsigned 32-bit integer for `key`, of which the lower 32 bits count. */
  hash(key: number): number {
    const [aHigh, aLow, bHigh, bLow] = this.coefficients;
    const x = permuted(key);
    const low = Math.imul(aLow, x) >>> 0;
    const carry = low + bLow > 0xffffffff ? 1 : 0;
    return (upperHalf(aLow, x) + Math.imul(aHigh, x) + bHigh + carry) >>> 0;
  }

  /** A bucket in [0, `buckets`), uniform up to 2⁻³² · `buckets`. */
  bucket(key: number, buckets: number): number {
    return upperHalf(this.hash(key), buckets);
  }

  /** 1 or −1, with equal chances. */
  sign(key: number): 1 | -1 {
    return this.hash(key) >>> 31 ? -1 : 1;
  }
}

/** m(x), an unsigned 32-bit integer; every one is m of exactly one. */
function permuted(key: number): number {
  let x = Math.imul(key ^ (key >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** ⌊x·y / 2³²⌋ of unsigned 32-bit integers, by halves of 16 bits. */
function upperHalf(x: number, y: number): number {
  const xh = x >>> 16; // four constants, since an array would be made for each key
  const xl = x & 0xffff;
  const yh = y >>> 16;
  const yl = y & 0xffff;
  const middle = xh * yl + ((xl * yl) >>> 16); // < 2³²
  const other = xl * yh + (middle & 0xffff); // < 2³²
  return (xh * yh + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000)) >>> 0;
}
