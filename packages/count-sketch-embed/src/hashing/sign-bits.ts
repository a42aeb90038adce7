import type { Random } from '@ockham/core/random';
import { UniversalHash } from './universal-hash.ts';

/**
 * Random signs g(x, j) of keys x and coordinates j: bit j mod 32 of a universal hash of x, a new function for each 32
 * coordinates. The signs of one key are independent, those of two keys too.
 */
export class SignBits {
  /** One function for each 32 coordinates. */
  readonly hashes: readonly UniversalHash[];

  constructor(hashes: readonly UniversalHash[]) {
    this.hashes = hashes;
  }

  /** Random signs for `coordinates` coordinates. */
  static draw(random: Random, coordinates: number): SignBits {
    return new SignBits(
      Array.from({ length: Math.ceil(coordinates / 32) }, (_, word) =>
        UniversalHash.draw(random.stream(word)),
      ),
    );
  }

  /** The bits of `key`, into `words` from `at` on: bit j mod 32 of word ⌊j/32⌋ is set where the sign of coordinate j is minus. */
  words(key: number, words: Int32Array, at: number): void {
    this.hashes.forEach((hash, word) => (words[at + word] = hash.hash(key)));
  }

  /** The signs of coordinates 0, 1, … of `key`, into `signs`. */
  fill(key: number, signs: Float32Array): void {
    let word = 0;
    for (let j = 0; j < signs.length; j++) {
      if (j % 32 === 0) word = this.hashes[j >>> 5]!.hash(key);
      signs[j] = (word >>> (j & 31)) & 1 ? -1 : 1;
    }
  }
}
