import { UniversalHash } from '../hashing/index.ts';
import { Random } from '@ockham/core/random';

/** Which row of the sketch each hash gives each token, and with which sign. */
export interface Slots {
  /** `[|V|, d]`: row in [0, d·R + heavy). */
  readonly rows: Int32Array;
  /** `[|V|, d]`: 1 or −1. */
  readonly signs: Float32Array;
}

/**
 * Hashes the whole vocabulary. Hash i sends token x to row i·R + h_i(x). Heavy hitter k has row d·R + k for each of its d
 * hashes, without a sign: the estimate of d equal values is that value.
 */
export function slotsOf(
  vocabulary: number,
  hashes: number,
  rows: number,
  signed: boolean,
  heavyHitters: ArrayLike<number>,
  seed: number,
): Slots {
  const slots: Slots = {
    rows: new Int32Array(vocabulary * hashes),
    signs: new Float32Array(vocabulary * hashes).fill(1),
  };
  for (const [i, { bucket, sign }] of hashesOf(hashes, seed).entries()) {
    for (let x = 0; x < vocabulary; x++) {
      slots.rows[x * hashes + i] = i * rows + bucket.bucket(x, rows);
      if (signed) slots.signs[x * hashes + i] = sign.sign(x);
    }
  }
  Array.from(heavyHitters).forEach((x, k) => {
    slots.rows.fill(hashes * rows + k, x * hashes, (x + 1) * hashes);
    slots.signs.fill(1, x * hashes, (x + 1) * hashes);
  });
  return slots;
}

/** The functions that a seed stands for: of each hash, the one that chooses the row and the one that gives the sign. */
export function hashesOf(
  hashes: number,
  seed: number,
): readonly { readonly bucket: UniversalHash; readonly sign: UniversalHash }[] {
  const random = new Random(seed).stream('hashes');
  return Array.from({ length: hashes }, (_, i) => ({
    bucket: UniversalHash.draw(random.stream('bucket').stream(i)),
    sign: UniversalHash.draw(random.stream('sign').stream(i)),
  }));
}
