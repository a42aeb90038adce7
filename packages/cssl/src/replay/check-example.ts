import { ArgumentError } from '@ockham/core';
import type { ImageShape } from '../image.ts';
import { pixelsOf } from './codec.ts';

const MAX_LABEL = 2 ** 31 - 1;

/** Refuses an example of another shape or label, or, where `length` features are wanted, without them. */
export function checkExample(
  shape: ImageShape,
  pixels: Uint8Array,
  label: number,
  features: Float32Array | undefined,
  length: number | undefined,
): void {
  const who = 'ReplayBuffer.store';
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
  if (length === undefined) return;
  if (features?.length === length && features.every(Number.isFinite)) return;
  throw new ArgumentError(
    `${who}: evict: 'herding' needs ${length} finite features with each example, got ${features?.length ?? 'none'}. Pass those of the model's last hidden layer.`,
  );
}
