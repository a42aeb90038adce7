import type { Random } from '@ockham/core/random';
import type { ImageShape } from '../image.ts';
import { rotate, shearX, shearY, translateX, translateY } from './affine.ts';
import type { Canvas } from './canvas.ts';
import { fillSquare } from './cutout.ts';
import { color, sharpness } from './detail.ts';
import { autoContrast, brightness, contrast, equalize, invert, posterize, solarize } from './tone.ts';

/** An operation of AutoAugment's and RandAugment's policies, named as in the paper. */
export type OperationName =
  | 'identity'
  | 'shear-x'
  | 'shear-y'
  | 'translate-x'
  | 'translate-y'
  | 'rotate'
  | 'auto-contrast'
  | 'invert'
  | 'equalize'
  | 'solarize'
  | 'posterize'
  | 'contrast'
  | 'color'
  | 'brightness'
  | 'sharpness'
  | 'cutout';

/** What a policy needs to know of an operation. */
export interface Operation {
  /** Whether a magnitude is as often negated as not. */
  readonly signed: boolean;
  /** The strength 0 … 1 (a level over the highest one) in the operation's own unit. */
  magnitude(strength: number, shape: ImageShape): number;
  /** Changes the canvas' image. `random` places what has a place. */
  apply(canvas: Canvas, magnitude: number, random: Random): void;
}

/** Strength 1 turns or shears this far (AutoAugment, appendix, Table 6). */
const degrees = 30;
const slope = 0.3;
/** Strength 1 moves or cuts this part of a side: 150 and 60 pixels of AutoAugment's 331. */
const moved = 150 / 331;
const cut = 60 / 331;
/** Strength 1 enhances by 1 ± 0.9. */
const enhanced = 0.9;

const without = (apply: (canvas: Canvas) => void): Operation => ({
  signed: false,
  magnitude: () => 0,
  apply,
});

const signed = (
  range: (shape: ImageShape) => number,
  apply: (canvas: Canvas, magnitude: number) => void,
): Operation => ({
  signed: true,
  magnitude: (strength, shape) => Math.fround(range(shape) * strength),
  apply,
});

const enhance = (apply: (canvas: Canvas, factor: number) => void): Operation =>
  signed(
    () => enhanced,
    (canvas, magnitude) => {
      apply(canvas, 1 + magnitude);
    },
  );

/**
 * Every operation with its range. The paper's program differs from its text in details (signs of the enhancements, the
 * highest threshold of solarize, translation in pixels); these are torchvision's, against whose values they are tested,
 * and which rounds magnitudes to float32: a third of 255 is then the level 85 and not just above it.
 */
export const operations: Readonly<Record<OperationName, Operation>> = {
  identity: without(() => undefined),
  'shear-x': signed(() => slope, shearX),
  'shear-y': signed(() => slope, shearY),
  'translate-x': signed(([, width]) => moved * width, translateX),
  'translate-y': signed(([height]) => moved * height, translateY),
  rotate: signed(() => degrees, rotate),
  'auto-contrast': without(autoContrast),
  invert: without(invert),
  equalize: without(equalize),
  solarize: { signed: false, magnitude: (strength) => Math.fround(255 * (1 - strength)), apply: solarize },
  posterize: { signed: false, magnitude: (strength) => 8 - Math.round(4 * strength), apply: posterize },
  contrast: enhance(contrast),
  color: enhance(color),
  brightness: enhance(brightness),
  sharpness: enhance(sharpness),
  cutout: {
    signed: false,
    magnitude: (strength, [height, width]) => cut * Math.min(height, width) * strength,
    apply({ image, shape, fill }, magnitude, random) {
      const y = random.integer(shape[0]);
      fillSquare(image, 0, shape, y, random.integer(shape[1]), 2 * Math.round(magnitude / 2), fill);
    },
  },
};

export const operationNames = Object.keys(operations) as readonly OperationName[];
