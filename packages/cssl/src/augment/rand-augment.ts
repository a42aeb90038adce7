import type { Augmentation, ImageShape } from '../image.ts';
import { load, makeCanvas, unload, type CanvasOptions } from './canvas.ts';
import { checkNumber } from './check-number.ts';
import { operationNames, operations } from './operations.ts';

/** Options of `randaugment`. */
export interface RandAugmentOptions extends CanvasOptions {
  /** N, operations an image. Default 2. */
  readonly count?: number;
  /** M, their common strength, 0–30. Default 9. */
  readonly magnitude?: number;
}

const strongest = 30;

/** The 14 of the paper: AutoAugment's without invert, cutout and sample pairing, and with one that does nothing. */
const drawn = operationNames.filter((name) => name !== 'invert' && name !== 'cutout');

/**
 * RandAugment: each image goes through N operations drawn uniformly, with replacement, all of strength M.
 *
 * Cubuk, Zoph, Shlens and Le 2020, §3. A sign is drawn for each operation that has one. Pixels are rounded to whole
 * grey levels first, for the operations are defined on bytes.
 */
export function randAugment(options: RandAugmentOptions, shape: ImageShape): Augmentation {
  const { count = 2, magnitude: m = 9 } = options;
  checkNumber('randaugment', 'count', count, 0, 100, 'integer');
  checkNumber('randaugment', 'magnitude', m, 0, strongest);
  const canvas = makeCanvas('randaugment', options, shape);
  const length = canvas.image.length;
  return ({ size, pixels }, random) => {
    if (count === 0) return;
    for (let image = 0; image < size; image++) {
      load(canvas, pixels, image * length);
      for (let i = 0; i < count; i++) {
        const { signed, magnitude, apply } = operations[drawn[random.integer(drawn.length)]!];
        const strength = magnitude(m / strongest, shape);
        const sign = random.uniform() < 0.5 ? -1 : 1;
        apply(canvas, signed ? sign * strength : strength, random);
      }
      unload(canvas, pixels, image * length);
    }
  };
}
