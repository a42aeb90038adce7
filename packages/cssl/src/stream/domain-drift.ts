import { ArgumentError, selectExamples, valuesPerExample, type Split } from '@ockham/core';
import type { Example, ImageShape } from '../image.ts';
import { changeExamples, isStream, type StreamSource } from './change-examples.ts';

/** How far a domain is from the original one. */
export interface Drift {
  /** Counter-clockwise, in degrees. Default 0. */
  readonly rotation?: number;
  /** Added to every pixel, as a share of the range, in [−1, 1]. Default 0. */
  readonly brightness?: number;
  /** Factor about mid-grey, ≥ 0; below 1 flattens. Default 1. */
  readonly contrast?: number;
}

/** Options of {@link domainDrift}. */
export interface DomainDriftOptions extends Drift {
  /** Position at which the drift is complete, ≥ 1. Default: the end of the stream. */
  readonly length?: number;
  /** `linear` (default) goes there and stays; `cycle` goes there and back, again and again. */
  readonly course?: 'linear' | 'cycle';
  /** Shape of the images. Default: that of the stream; needed where `source` is an async iterable. */
  readonly shape?: ImageShape;
}

/**
 * A camera that slowly turns, or light that slowly changes: the first example is as it is, and the one at position
 * `length` has the whole drift. Use {@link driftSplit} to test on a domain.
 *
 * @throws ArgumentError for options out of range or examples that are no images.
 */
export function domainDrift<S extends StreamSource>(source: S, options: DomainDriftOptions): S {
  const planned = isStream(source);
  const { length = planned ? source.size : 0, course = 'linear' } = options;
  const shape = options.shape ?? (planned ? source.shape : []);
  checkDrift('domainDrift', options, shape);
  if (!(length >= 1 && Number.isFinite(length))) {
    throw new ArgumentError(
      `domainDrift: length must be a number of examples ≥ 1, got ${length}. An async iterable needs one.`,
    );
  }
  return changeExamples(source, 'domain drift', (example) => {
    const progress = example.position / length;
    const share = course === 'linear' ? Math.min(1, progress) : 1 - Math.abs((progress % 2) - 1);
    return { ...example, x: driftPixels(example.x, shape as ImageShape, options, share) };
  });
}

/**
 * The images of a split in another domain: where a drift has come to at `share` of its way.
 *
 * @param share In [0, 1]. Default 1.
 */
export function driftSplit(split: Split, drift: Drift, share = 1): Split {
  checkDrift('driftSplit', drift, split.x.shape);
  const copy = selectExamples(
    split,
    Int32Array.from({ length: split.size }, (_, i) => i),
  );
  const width = valuesPerExample(copy.x);
  const values = copy.x.values as Uint8Array | Float32Array;
  for (let i = 0; i < split.size; i++) {
    const x = values.subarray(i * width, (i + 1) * width);
    values.set(driftPixels(x, split.x.shape as ImageShape, drift, share), i * width);
  }
  return copy;
}

function driftPixels(x: Example['x'], shape: ImageShape, drift: Drift, share: number): Example['x'] {
  const { rotation = 0, brightness = 0, contrast = 1 } = drift;
  const top = x instanceof Uint8Array ? 255 : 1;
  const turned = rotation === 0 || share === 0 ? x.slice() : rotate(x, shape, rotation * share);
  const factor = 1 + (contrast - 1) * share;
  const added = brightness * share * top;
  if (factor === 1 && added === 0) return turned;
  for (let i = 0; i < turned.length; i++) {
    const value = (turned[i]! - top / 2) * factor + top / 2 + added;
    const clipped = Math.min(top, Math.max(0, value));
    turned[i] = top === 255 ? Math.round(clipped) : clipped;
  }
  return turned;
}

/** Turned about the centre, bilinear, 0 outside. */
function rotate(x: Example['x'], [height, width, channels]: ImageShape, degrees: number): Example['x'] {
  const turned = x instanceof Uint8Array ? new Uint8Array(x.length) : new Float32Array(x.length);
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [middleRow, middleColumn] = [(height - 1) / 2, (width - 1) / 2];
  const whole = x instanceof Uint8Array;
  const pixel = (row: number, column: number, channel: number) =>
    row < 0 || row >= height || column < 0 || column >= width
      ? 0
      : x[(row * width + column) * channels + channel]!;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [down, right] = [row - middleRow, column - middleColumn];
      const fromRow = middleRow + cos * down + sin * right;
      const fromColumn = middleColumn - sin * down + cos * right;
      const [top, left] = [Math.floor(fromRow), Math.floor(fromColumn)];
      const [v, u] = [fromRow - top, fromColumn - left];
      for (let channel = 0; channel < channels; channel++) {
        const value =
          (1 - v) * ((1 - u) * pixel(top, left, channel) + u * pixel(top, left + 1, channel)) +
          v * ((1 - u) * pixel(top + 1, left, channel) + u * pixel(top + 1, left + 1, channel));
        turned[(row * width + column) * channels + channel] = whole ? Math.round(value) : value;
      }
    }
  }
  return turned;
}

function checkDrift(who: string, drift: Drift, shape: readonly number[]): void {
  const { rotation = 0, brightness = 0, contrast = 1 } = drift;
  if (shape.length !== 3) {
    throw new ArgumentError(
      `${who}: examples must be images [height, width, channels], got [${shape.join(', ')}]. Name their shape.`,
    );
  }
  if (!Number.isFinite(rotation)) {
    throw new ArgumentError(`${who}: rotation must be a number of degrees, got ${rotation}.`);
  }
  if (!(Math.abs(brightness) <= 1)) {
    throw new ArgumentError(`${who}: brightness must be in [−1, 1], got ${brightness}.`);
  }
  if (!(contrast >= 0 && Number.isFinite(contrast))) {
    throw new ArgumentError(`${who}: contrast must be a number ≥ 0, got ${contrast}.`);
  }
}
