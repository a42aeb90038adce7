import { SignBits, UniversalHash } from '../hashing/index.ts';
import { Random } from '@ockham/core/random';

/**
 * Random signs of a count-sketch: `true`, one for each token and hash; `'coordinate'`, one for each token, hash and
 * coordinate, so that two tokens that share a row still have different vectors of it.
 */
export type Signs = boolean | 'coordinate';

/** Which row of the sketch each hash gives each token, and with which sign. */
export interface Slots {
  /** `[|V|, d]`: row in [0, d·R + heavy). */
  readonly rows: Int32Array;
  /** `[|V|, d]`: 1 or −1. */
  readonly signs: Float32Array;
  /**
   * `[|V|, d, ⌈D/32⌉]`, for signs of coordinates: bit j mod 32 of word ⌊j/32⌋ is set where the sign of coordinate j is minus;
   * `signs` are 1 then.
   */
  readonly words?: Int32Array;
}

/** What {@link slotsOf} hashes. */
export interface SlotsOptions {
  /** Default false. */
  readonly signs?: Signs;
  /** Coordinates D, for signs of their own. Default 1. */
  readonly dimension?: number;
  /** Ids with rows of their own. Default none. */
  readonly heavyHitters?: ArrayLike<number>;
}

/**
 * Hashes the whole vocabulary. Hash i sends token x to row i·R + h_i(x). Heavy hitter k has row d·R + k for each of its d
 * hashes, without a sign: the estimate of d equal values is that value.
 */
export function slotsOf(
  vocabulary: number,
  hashes: number,
  rows: number,
  seed: number,
  { signs = false, dimension = 1, heavyHitters = [] }: SlotsOptions = {},
): Slots {
  const width = wordsOf(dimension);
  const slots: Slots = {
    rows: new Int32Array(vocabulary * hashes),
    signs: new Float32Array(vocabulary * hashes).fill(1),
    ...(signs === 'coordinate' && { words: new Int32Array(vocabulary * hashes * width) }),
  };
  for (const [i, { bucket, sign, bits }] of hashesOf(hashes, seed, dimension).entries()) {
    for (let x = 0, at = i; x < vocabulary; x++, at += hashes) {
      slots.rows[at] = i * rows + bucket.bucket(x, rows);
      if (slots.words) bits.words(x, slots.words, at * width);
      else if (signs) slots.signs[at] = sign.sign(x);
    }
  }
  Array.from(heavyHitters).forEach((x, k) => {
    const [from, to] = [x * hashes, (x + 1) * hashes];
    slots.rows.fill(hashes * rows + k, from, to);
    slots.signs.fill(1, from, to);
    slots.words?.fill(0, from * width, to * width);
  });
  return slots;
}

/** ⌈D/32⌉, the words that hold a sign for each coordinate. */
export function wordsOf(dimension: number): number {
  return Math.ceil(dimension / 32);
}

/** The sign of coordinate j in slot `at` = x·d + i. */
export function signAt({ signs, words }: Slots, at: number, j: number, dimension: number): number {
  if (!words) return signs[at]!;
  return (words[at * wordsOf(dimension) + (j >>> 5)]! >>> (j & 31)) & 1 ? -1 : 1;
}

/** One hash of a count-sketch. */
export interface SketchHash {
  /** Chooses the row. */
  readonly bucket: UniversalHash;
  /** The sign of a token. */
  readonly sign: UniversalHash;
  /** The signs of its coordinates. */
  readonly bits: SignBits;
}

/** The functions that a seed stands for. */
export function hashesOf(hashes: number, seed: number, dimension: number): readonly SketchHash[] {
  const random = new Random(seed).stream('hashes');
  return Array.from({ length: hashes }, (_, i) => ({
    bucket: UniversalHash.draw(random.stream('bucket').stream(i)),
    sign: UniversalHash.draw(random.stream('sign').stream(i)),
    bits: SignBits.draw(random.stream('bits').stream(i), dimension),
  }));
}
