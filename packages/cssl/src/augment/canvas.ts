import type { ImageShape } from '../image.ts';
import { checkNumber } from './check-number.ts';
import { ArgumentError } from '@ockham/core';

/** The nearest pixel, or the mean of the four around a point, weighted by how near they are. */
export type Interpolation = 'nearest' | 'bilinear';

/** How shears, translations, rotations and cutouts draw. */
export interface CanvasOptions {
  /** Between pixels. Default `nearest`, as the published policies were searched with. */
  readonly interpolation?: Interpolation;
  /** Grey level of what comes in from outside, 0–255. Default 0. */
  readonly fill?: number;
}

/** One image in bytes, on which operations work, and the room they need; made once and used for every image. */
export interface Canvas {
  readonly shape: ImageShape;
  readonly interpolation: Interpolation;
  readonly fill: number;
  /** The image, row-major; an operation may swap it with `spare`. */
  image: Uint8Array;
  spare: Uint8Array;
  /** Grey level → grey level. */
  readonly table: Uint8Array;
  readonly histogram: Int32Array;
}

/** @throws ArgumentError */
export function makeCanvas(who: string, options: CanvasOptions, shape: ImageShape): Canvas {
  const { interpolation = 'nearest', fill = 0 } = options;
  checkNumber(who, 'fill', fill, 0, 255, 'integer');
  if (interpolation !== 'nearest' && interpolation !== 'bilinear') {
    throw new ArgumentError(
      `${who}: interpolation must be nearest or bilinear, got ${String(interpolation)}. Leave it out for nearest.`,
    );
  }
  const length = shape[0] * shape[1] * shape[2];
  return {
    shape,
    interpolation,
    fill,
    image: new Uint8Array(length),
    spare: new Uint8Array(length),
    table: new Uint8Array(256),
    histogram: new Int32Array(256),
  };
}

/** Takes the image that begins at `start` of `pixels`, rounded to whole grey levels. */
export function load({ image }: Canvas, pixels: Float32Array, start: number): void {
  for (let i = 0; i < image.length; i++) {
    const value = pixels[start + i]!;
    image[i] = value <= 0 ? 0 : value >= 255 ? 255 : value + 0.5;
  }
}

/** Writes the image back to `pixels` from `start` on. */
export function unload({ image }: Canvas, pixels: Float32Array, start: number): void {
  pixels.set(image, start);
}

/** Exchanges the image with what an operation wrote beside it. */
export function swap(canvas: Canvas): void {
  const { image } = canvas;
  canvas.image = canvas.spare;
  canvas.spare = image;
}
