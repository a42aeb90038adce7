/**
 * A vector for any word from its n-grams alone, without a table: e_i is the mean over the word's i-grams of
 * P_i = s_i ⊗ h_i, where s_i are rolling hashes of the i-grams and h_i random odd seeds, taken modulo B and brought to
 * [−1, 1); the vector is e_1 … e_N side by side.
 *
 * Source: Cohn et al. 2023, "EELBERT: tiny models through dynamic embeddings"; Sachdeva, section 3.1.
 * Deviations: B = 2³², so that the remainder is the 32-bit product; `pooling: 'root'` divides by the square root of the
 * number of i-grams, which keeps the deviation the same for short and long words. Words are Unicode code points,
 * hashed once before they roll (letters whose codes have a small ratio would have correlated products), with no marks of
 * their ends.
 */
import { ArgumentError } from '@ockham/core';
import type { Random } from '@ockham/core/random';
import { ROLLING_PRIME, RollingHash } from './rolling-hash.ts';
import { UniversalHash } from './universal-hash.ts';

/** What the sum over the i-grams is divided by: their number, or its square root. */
export type Pooling = 'mean' | 'root';

/** Hashes words into vectors: exact arithmetic in doubles and integers, the same bits wherever it runs. */
export class WordHasher {
  /** Hashes one character. */
  readonly letters: UniversalHash;
  /** Hashes the characters of an n-gram together. */
  readonly rolling: RollingHash;
  /** `seeds[i − 1]`: an odd 32-bit seed for each coordinate that i-grams have. */
  readonly seeds: readonly Int32Array[];
  /** How the vectors of a word's n-grams become one. */
  readonly pooling: Pooling;
  /** D, the sum of the widths. */
  readonly dimension: number;

  constructor(letters: UniversalHash, rolling: RollingHash, seeds: readonly Int32Array[], pooling: Pooling) {
    this.letters = letters;
    this.rolling = rolling;
    this.seeds = seeds;
    this.pooling = pooling;
    this.dimension = seeds.reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * Draws the hash functions and seeds from `random`.
   *
   * @param widths Coordinates of 1-grams, 2-grams, …
   */
  static draw(random: Random, widths: readonly number[], pooling: Pooling): WordHasher {
    const numbers = random.stream('seeds');
    const seeds = widths.map((width) =>
      Int32Array.from({ length: width }, () => numbers.integer(2 ** 32) | 1),
    );
    const letters = UniversalHash.draw(random.stream('letters'));
    return new WordHasher(letters, RollingHash.draw(random.stream('rolling')), seeds, pooling);
  }

  /**
   * The vector of a word times `scale`, `[dimension]`. Lengths of which the word has no n-gram give zeros.
   *
   * @throws ArgumentError for an empty word.
   */
  vectorOf(word: string, scale: number): Float32Array {
    if (word.length === 0)
      throw new ArgumentError('WordHasher: a word must have a character, got an empty one.');
    const codes = Array.from(word, (letter) => this.letters.bucket(letter.codePointAt(0)!, ROLLING_PRIME));
    const vector = new Float32Array(this.dimension);
    let at = 0;
    this.seeds.forEach((h, n) => {
      const s = this.rolling.grams(codes, n + 1);
      const divisor = this.pooling === 'mean' ? s.length : Math.sqrt(s.length);
      for (const seed of h) {
        let sum = 0; // of at most 2²¹ integers below 2³²: exact
        for (const signature of s) sum += Math.imul(signature, seed);
        vector[at++] = s.length === 0 ? 0 : (sum / 0x80000000 / divisor) * scale;
      }
    });
    return vector;
  }
}
