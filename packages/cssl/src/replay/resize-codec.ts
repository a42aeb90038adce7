import { ArgumentError } from '@ockham/core';
import type { ImageShape } from '../image.ts';
import { pixelsOf, type ImageCodec } from './codec.ts';
import { areaTaps, bilinearTaps, resample, type Taps } from './resample.ts';

interface Plan {
  readonly down: readonly [rows: Taps, columns: Taps];
  readonly up: readonly [rows: Taps, columns: Taps];
}

/**
 * Keeps a smaller image (section 2.4.2): each kept pixel is the mean of the area it covers, rounded to a byte; decoding
 * interpolates between their centres (bilinear, edges repeated).
 *
 * @param height Of the kept image, an integer ≥ 1, at most the height of the images.
 * @param width Likewise.
 */
export function resizeCodec(height: number, width: number): ImageCodec {
  for (const side of [height, width]) {
    if (Number.isInteger(side) && side >= 1) continue;
    throw new ArgumentError(
      `resize: height and width must be integers ≥ 1, got ${height}x${width}. Use for example 'resize(16x16)'.`,
    );
  }
  let plan: Plan | undefined;
  let planned = '';
  const planFor = ([h, w]: ImageShape): Plan => {
    if (plan && planned === `${h}x${w}`) return plan;
    if (height > h || width > w) {
      throw new ArgumentError(
        `resize: ${height}x${width} must not be larger than the images, ${h}x${w}: it would cost bytes and gain nothing. Choose a smaller size, or 'none'.`,
      );
    }
    planned = `${h}x${w}`;
    plan = {
      down: [areaTaps(h, height), areaTaps(w, width)],
      up: [bilinearTaps(height, h), bilinearTaps(width, w)],
    };
    return plan;
  };
  const encodedShape = ([, , channels]: ImageShape): ImageShape => [height, width, channels];
  let scratch = new Float32Array(0);
  const kept = (shape: ImageShape): Float32Array => {
    const length = pixelsOf(encodedShape(shape));
    if (scratch.length !== length) scratch = new Float32Array(length);
    return scratch;
  };
  return {
    name: `resize(${height}x${width})`,
    recordBytes: (shape) => {
      planFor(shape);
      return pixelsOf(encodedShape(shape));
    },
    sharedBytes: () => 0,
    encodedShape,
    encode(pixels, shape) {
      const means = kept(shape);
      resample(pixels, shape, ...planFor(shape).down, means, 0);
      return Uint8Array.from(means, (mean) => Math.round(mean));
    },
    decode(record, shape, into, offset) {
      resample(record, encodedShape(shape), ...planFor(shape).up, into, offset);
    },
  };
}
