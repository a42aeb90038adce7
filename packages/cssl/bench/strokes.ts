import type { Random } from '@ockham/core/random';

/** A 28 × 28 image of three random strokes: stands in for a digit, on which JPEG and augmentation are as fast. */
export function strokes(random: Random): Uint8Array {
  const pixels = new Uint8Array(28 * 28);
  for (let stroke = 0; stroke < 3; stroke++) {
    let [row, column] = [6 + random.integer(16), 6 + random.integer(16)];
    for (let step = 0; step < 20; step++) {
      pixels[row * 28 + column] = 255;
      row = Math.min(25, Math.max(2, row + random.integer(3) - 1));
      column = Math.min(25, Math.max(2, column + random.integer(3) - 1));
    }
  }
  return pixels;
}
