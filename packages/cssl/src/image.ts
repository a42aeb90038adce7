import type { Random } from '@ockham/core/random';

/** Height, width and channels (1 or 3) of an image. */
export type ImageShape = readonly [height: number, width: number, channels: number];

/** A labelled example of a stream. */
export interface Example {
  /** Pixels, row-major `[height, width, channels]`: bytes 0–255, or numbers in [0, 1]. */
  readonly x: Uint8Array | Float32Array;
  /** Class, a non-negative integer; classes may appear at any time. */
  readonly y: number;
}

/** What augmentations change in place, and what the model then sees. */
export interface ImageBatch {
  /** Of every image. */
  readonly shape: ImageShape;
  /** Images. */
  readonly size: number;
  /** `[size, height, width, channels]` in grey levels 0–255. */
  readonly pixels: Float32Array;
  /** Columns of the targets: the classes known by now. */
  readonly classes: number;
  /** `[size, classes]`, rows that sum to 1; one-hot until images are mixed. */
  readonly targets: Float32Array;
}

/** Changes a batch in place; all its chance comes from `random`. */
export type Augmentation = (batch: ImageBatch, random: Random) => void;
