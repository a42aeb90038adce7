/**
 * Rolling hashes of the n-grams of a text: polynomials Σ c_t·b^(n−1−t) modulo the prime p = 2³¹ − 1 with a random base b.
 * Each n-gram follows from the one before it in constant time; two different n-grams collide with chance ≤ (n − 1)/(p − 2).
 *
 * Source: Karp and Rabin 1987, "Efficient randomized pattern-matching algorithms".
 */
import { ArgumentError } from '@ockham/core';
import type { Random } from '@ockham/core/random';

/** The modulus, 2³¹ − 1. */
export const ROLLING_PRIME: number = 0x7fffffff;

/** One function of the family. */
export class RollingHash {
  /** b of the polynomial, in [2, 2³¹ − 2]. */
  readonly base: number;

  /** @param base In [2, 2³¹ − 2]. */
  constructor(base: number) {
    if (!Number.isInteger(base) || base < 2 || base > ROLLING_PRIME - 1) {
      throw new ArgumentError(
        `RollingHash: base must be an integer in [2, ${ROLLING_PRIME - 1}], got ${base}. Draw one with RollingHash.draw.`,
      );
    }
    this.base = base;
  }

  /** A random function of the family. */
  static draw(random: Random): RollingHash {
    return new RollingHash(2 + random.integer(ROLLING_PRIME - 2));
  }

  /** Hashes in [0, 2³¹ − 1) of the `codes.length − length + 1` runs of `length` codes; codes are integers in [0, 2³¹ − 1). */
  grams(codes: ArrayLike<number>, length: number): Int32Array {
    const hashes = new Int32Array(Math.max(0, codes.length - length + 1));
    let lead = 1; // b^(length − 1)
    for (let i = 1; i < length; i++) lead = timesModulo(lead, this.base);
    let value = 0;
    for (let t = 0; t < codes.length; t++) {
      if (t >= length)
        value = (value + ROLLING_PRIME - timesModulo(codes[t - length]!, lead)) % ROLLING_PRIME;
      value = (timesModulo(value, this.base) + codes[t]!) % ROLLING_PRIME;
      if (t >= length - 1) hashes[t - length + 1] = value;
    }
    return hashes;
  }
}

/** x·y mod p for x, y < 2³¹, in exact doubles: y by its upper 15 and lower 16 bits. */
function timesModulo(x: number, y: number): number {
  const high = (x * (y >>> 16)) % ROLLING_PRIME;
  return (high * 0x10000 + x * (y & 0xffff)) % ROLLING_PRIME;
}
