import { ArgumentError } from '@ockham/core';
import type { ImageShape } from '../image.ts';
import { pixelsOf } from './codec.ts';

const MAX_LABEL = 2 ** 31 - 1;

/** Refuses an example of another shape or label. */
export function checkExample(who: string, shape: ImageShape, pixels: Uint8Array, label: number): void {
  const wanted = pixelsOf(shape);
  if (!(pixels instanceof Uint8Array) || pixels.length !== wanted) {
    const got = pixels instanceof Uint8Array ? pixels.length : typeof pixels;
    throw new ArgumentError(
      `${who}: pixels must be the ${wanted} bytes of an image of [${shape.join(', ')}], got ${got}. Resize the image, or make a buffer of its shape.`,
    );
  }
  if (!Number.isInteger(label) || label < 0 || label > MAX_LABEL) {
    throw new ArgumentError(
      `${who}: a label must be an integer in [0, ${MAX_LABEL}], got ${label}. Number the classes from 0.`,
    );
  }
}

/** Refuses features that `herding` cannot compare. */
export function checkFeatures(features: Float32Array | undefined, length: number): void {
  if (features?.length === length && features.every(Number.isFinite)) return;
  throw new ArgumentError(
    `ReplayBuffer.store: evict: 'herding' needs ${length} finite features with each example, got ${features?.length ?? 'none'}. Pass those of the model's last hidden layer.`,
  );
}
