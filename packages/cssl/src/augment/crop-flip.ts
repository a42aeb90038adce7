import type { Augmentation, ImageShape } from '../image.ts';
import { checkNumber } from './check-number.ts';

/** Options of `crop-flip`. */
export interface CropFlipOptions {
  /** Pixels of padding on each side, of which a crop of the image's own size is taken. Default 4, usual for 32 × 32. */
  readonly padding?: number;
  /** Probability of a left-right flip. Default 0.5; 0 for digits and other images that have a hand. */
  readonly flip?: number;
  /** Grey level of the padding, 0–255. Default 0. */
  readonly fill?: number;
}

/**
 * Random crop and horizontal flip: each image is shifted by whole pixels, uniform in -padding … padding in both
 * directions, what comes in from outside is filled, and the result is mirrored with probability `flip`.
 */
export function cropFlip(options: CropFlipOptions, shape: ImageShape): Augmentation {
  const [height, width, channels] = shape;
  const { padding = 4, flip = 0.5, fill = 0 } = options;
  checkNumber('crop-flip', 'padding', padding, 0, Math.min(height, width), 'integer');
  checkNumber('crop-flip', 'flip', flip, 0, 1);
  checkNumber('crop-flip', 'fill', fill, 0, 255);
  const length = height * width * channels;
  return ({ size, pixels }, random) => {
    for (let image = 0; image < size; image++) {
      const down = random.integer(2 * padding + 1) - padding;
      const right = random.integer(2 * padding + 1) - padding;
      shift(pixels, image * length, shape, down, right, fill);
      if (random.uniform() < flip) mirror(pixels, image * length, shape);
    }
  };
}

/** out(y, x) = in(y + down, x + right), filled where that lies outside. */
function shift(
  pixels: Float32Array,
  start: number,
  [height, width, channels]: ImageShape,
  down: number,
  right: number,
  fill: number,
): void {
  if (down === 0 && right === 0) return;
  const row = width * channels;
  const end = start + height * row;
  // All rows move as one block; what then comes from the neighbouring row is among what is filled.
  const offset = down * row + right * channels;
  if (offset >= 0) pixels.copyWithin(start, Math.min(end, start + offset), end);
  else pixels.copyWithin(Math.min(end, start - offset), start, Math.max(start, end + offset));
  if (down >= 0) pixels.fill(fill, end - down * row, end);
  else pixels.fill(fill, start, start - down * row);
  const from = right > 0 ? row - right * channels : 0;
  const to = right > 0 ? row : -right * channels;
  for (let begin = start; begin < end; begin += row) {
    for (let i = begin + from; i < begin + to; i++) pixels[i] = fill;
  }
}

function mirror(pixels: Float32Array, start: number, [height, width, channels]: ImageShape): void {
  for (let y = 0; y < height; y++) {
    let left = start + y * width * channels;
    let right = left + (width - 1) * channels;
    while (left < right) {
      for (let c = 0; c < channels; c++) {
        const swap = pixels[left + c]!;
        pixels[left + c] = pixels[right + c]!;
        pixels[right + c] = swap;
      }
      left += channels;
      right -= channels;
    }
  }
}
