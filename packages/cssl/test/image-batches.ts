import { Random } from '@ockham/core/random';
import type { ImageBatch, ImageShape } from '../src/image.ts';
import type { Picture } from './augment-reference.ts';

/** A batch of one image, of one class. */
export function batchOf({ shape, pixels }: Picture): ImageBatch {
  return { shape, size: 1, pixels: Float32Array.from(pixels), classes: 1, targets: Float32Array.of(1) };
}

/** A batch of noise in whole grey levels with one-hot targets. */
export function noiseBatch(size: number, shape: ImageShape, classes: number, seed: number): ImageBatch {
  const random = new Random(seed);
  const length = shape[0] * shape[1] * shape[2];
  const pixels = Float32Array.from({ length: size * length }, () => random.integer(256));
  const targets = new Float32Array(size * classes);
  for (let row = 0; row < size; row++) targets[row * classes + random.integer(classes)] = 1;
  return { shape, size, pixels, classes, targets };
}

export function copyOf(batch: ImageBatch): ImageBatch {
  return { ...batch, pixels: batch.pixels.slice(), targets: batch.targets.slice() };
}
