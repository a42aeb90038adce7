import { ArgumentError } from '@ockham/core';
import type { ImageShape } from '../image.ts';
import { pixelsOf, type Codec } from './codec.ts';

/**
 * Integer quantisation to `bits` a pixel (section 2.4.2): the range 0–255 is cut into 2^bits levels of equal width, a
 * pixel is kept as the number of its level, packed without gaps from the high bit down, and decoded to its level's
 * centre. The error is at most half a level, 2^(8 − bits) / 2. Into bytes, the centre of an even number of bytes is rounded down.
 *
 * @param bits An integer in [1, 8]; 8 loses nothing.
 * @throws ArgumentError for any other number
 */
export function quantiseCodec(bits: number): Codec {
  if (!Number.isInteger(bits) || bits < 1 || bits > 8) {
    throw new ArgumentError(
      `quantise: bits must be an integer in [1, 8], got ${bits}. Use 'quantise(4)' for half the bytes.`,
    );
  }
  const dropped = 8 - bits;
  const mask = (1 << bits) - 1;
  // the mean of the bytes of a level: 7.5 for the lowest of 16
  const half = ((1 << dropped) - 1) / 2;
  const centres = Float32Array.from({ length: 1 << bits }, (_, level) => (level << dropped) + half);
  const recordBytes = (shape: ImageShape): number => Math.ceil((pixelsOf(shape) * bits) / 8);
  return {
    name: `quantise(${bits})`,
    recordBytes,
    sharedBytes: () => 0,
    encode(pixels, shape) {
      const record = new Uint8Array(recordBytes(shape));
      let held = 0; // bits not yet written, in the low end of `word`
      let word = 0;
      let at = 0;
      for (let i = 0; i < pixels.length; i++) {
        word = ((word << bits) | (pixels[i]! >> dropped)) & 0xffff;
        held += bits;
        if (held < 8) continue;
        held -= 8;
        record[at++] = word >> held;
      }
      if (held > 0) record[at] = word << (8 - held);
      return record;
    },
    decode(record, shape, into, offset) {
      const end = offset + pixelsOf(shape);
      let held = 0;
      let word = 0;
      let at = 0;
      for (let i = offset; i < end; i++) {
        if (held < bits) {
          word = ((word << 8) | record[at++]!) & 0xffff;
          held += 8;
        }
        held -= bits;
        into[i] = centres[(word >> held) & mask]!;
      }
    },
  };
}
