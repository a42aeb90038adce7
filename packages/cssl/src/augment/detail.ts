import { blended } from './blend.ts';
import { swap, type Canvas } from './canvas.ts';

/** Grey of a colour, ITU-R 601 in 16 binary places: 0.299 R + 0.587 G + 0.114 B. */
export function luma(image: Uint8Array, start: number): number {
  return (19595 * image[start]! + 38470 * image[start + 1]! + 7471 * image[start + 2]! + 0x8000) >> 16;
}

/** Blends with the grey of each pixel: factor 0 is grey, 1 the image, above 1 more saturated. Grey images stay. */
export function color({ image, shape }: Canvas, factor: number): void {
  if (shape[2] === 1) return;
  const alpha = Math.fround(factor);
  for (let i = 0; i < image.length; i += 3) {
    const grey = luma(image, i);
    image[i] = blended(grey, image[i]!, alpha);
    image[i + 1] = blended(grey, image[i + 1]!, alpha);
    image[i + 2] = blended(grey, image[i + 2]!, alpha);
  }
}

/**
 * Blends with a smoothed image (3 × 3, weights 1 around 5, over 13; the border as it is): factor 0 is smooth, 1 the
 * image, above 1 sharper.
 */
export function sharpness(canvas: Canvas, factor: number): void {
  const { image, spare, shape } = canvas;
  const [height, width, channels] = shape;
  const row = width * channels;
  const alpha = Math.fround(factor);
  spare.set(image);
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * row + channels; i < (y + 1) * row - channels; i++) {
      const above = image[i - row - channels]! + image[i - row]! + image[i - row + channels]!;
      const below = image[i + row - channels]! + image[i + row]! + image[i + row + channels]!;
      const sum = above + below + image[i - channels]! + image[i + channels]! + 5 * image[i]!;
      // rounded; thirteenths are never halves
      const smooth = Math.floor((2 * sum + 13) / 26);
      spare[i] = blended(smooth, image[i]!, alpha);
    }
  }
  swap(canvas);
}
