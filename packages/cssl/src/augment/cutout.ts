import type { Augmentation, ImageShape } from '../image.ts';
import { checkNumber } from './check-number.ts';

/** Options of `cutout`. */
export interface CutoutOptions {
  /** Side of the square in pixels, even. Default: half the shorter side, 16 at 32 × 32 as for CIFAR-10. */
  readonly size?: number;
  /** Grey level of the square, 0–255. Default 0. */
  readonly fill?: number;
}

/**
 * Cutout: a square around a random pixel of each image is filled; what reaches outside is cut off.
 *
 * DeVries and Taylor 2017, §3. AutoAugment's CIFAR recipe ends with it.
 */
export function cutout(options: CutoutOptions, shape: ImageShape): Augmentation {
  const [height, width, channels] = shape;
  const { size: side = 2 * Math.floor(Math.min(height, width) / 4), fill = 0 } = options;
  checkNumber('cutout', 'size', side, 0, 2 * Math.max(height, width), 'integer');
  checkNumber('cutout', 'fill', fill, 0, 255);
  return ({ size, pixels }, random) => {
    for (let image = 0; image < size; image++) {
      const y = random.integer(height);
      const x = random.integer(width);
      fillSquare(pixels, image * height * width * channels, shape, y, x, side, fill);
    }
  };
}

/** Fills rows y - ⌊side/2⌋ … y + ⌊side/2⌋ - 1, and columns likewise, of the image that begins at `start`. */
export function fillSquare(
  pixels: Float32Array | Uint8Array,
  start: number,
  [height, width, channels]: ImageShape,
  y: number,
  x: number,
  side: number,
  fill: number,
): void {
  const half = Math.floor(side / 2);
  const left = Math.max(0, x - half);
  const right = Math.min(width, x + half);
  for (let row = Math.max(0, y - half); row < Math.min(height, y + half); row++) {
    const begin = start + row * width * channels;
    pixels.fill(fill, begin + left * channels, begin + right * channels);
  }
}
