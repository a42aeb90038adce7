import { ArgumentError } from '@ockham/core';
import type { Augmentation, ImageBatch, ImageShape } from '../image.ts';
import { autoAugment, type AutoAugmentOptions } from './auto-augment.ts';
import { cropFlip, type CropFlipOptions } from './crop-flip.ts';
import { cutmix, type CutmixOptions } from './cutmix.ts';
import { cutout, type CutoutOptions } from './cutout.ts';
import { mixup, type MixupOptions } from './mixup.ts';
import { randAugment, type RandAugmentOptions } from './rand-augment.ts';
import { warp, type WarpOptions } from './warp.ts';

interface OptionsOf {
  'crop-flip': CropFlipOptions;
  mixup: MixupOptions;
  cutmix: CutmixOptions;
  autoaugment: AutoAugmentOptions;
  randaugment: RandAugmentOptions;
  cutout: CutoutOptions;
  warp: WarpOptions;
}

/** What {@link augmentation} knows by name. */
export type AugmentationName = keyof OptionsOf;

/** A name, for the defaults; a name with options, `{ name: 'mixup', alpha: 0.2 }`; or a function of your own. */
export type AugmentationStep =
  | AugmentationName
  | { readonly [N in AugmentationName]: { readonly name: N } & OptionsOf[N] }[AugmentationName]
  | Augmentation;

/** Steps in order, or the same with a say in how those that mix images share a batch. */
export type AugmentationSpec =
  | readonly AugmentationStep[]
  | {
      readonly steps: readonly AugmentationStep[];
      /**
       * With several of Mixup and CutMix among the steps: `one` draws, fairly and for each batch, which of them is used,
       * the others being left out; `each` uses all, one after the other. Default `one`: the paper does not say, and a box
       * of an image that is already a blend of two leaves little of any class.
       */
      readonly mixing?: 'one' | 'each';
    };

const makers: {
  readonly [N in AugmentationName]: {
    readonly make: (options: OptionsOf[N], shape: ImageShape) => Augmentation;
    readonly options: readonly (keyof OptionsOf[N])[];
    readonly mixes?: true;
  };
} = {
  'crop-flip': { make: cropFlip, options: ['padding', 'flip', 'fill'] },
  mixup: { make: mixup, options: ['alpha', 'probability', 'lambda', 'from'], mixes: true },
  cutmix: { make: cutmix, options: ['alpha', 'probability', 'lambda', 'from'], mixes: true },
  autoaugment: { make: autoAugment, options: ['policy', 'interpolation', 'fill'] },
  randaugment: { make: randAugment, options: ['count', 'magnitude', 'interpolation', 'fill'] },
  cutout: { make: cutout, options: ['size', 'fill'] },
  warp: { make: warp, options: ['rotate', 'shear', 'scale', 'translate', 'elastic', 'fill'] },
};

const names = Object.keys(makers) as readonly AugmentationName[];

/**
 * Augment of Algorithm 1: a sequential policy that changes a batch in place, in the order given. It keeps what room it
 * needs between calls, so that a call allocates nothing of a batch's size; one augmentation serves one learner.
 *
 * All chance comes from the generator that it is called with: the same state and batch give the same bits.
 *
 * @example
 * const augment = augmentation(['crop-flip', 'autoaugment', { name: 'mixup', alpha: 0.2 }, 'cutmix'], [32, 32, 3]);
 * augment(batch, new Random(1));
 *
 * @throws ArgumentError for a name, an option or a shape that it does not know, and, when called, for a batch of
 *   another shape.
 */
export function augmentation(spec: AugmentationSpec, shape: ImageShape): Augmentation {
  checkShape(shape);
  const { steps, mixing = 'one' } = 'steps' in spec ? spec : { steps: spec };
  if (mixing !== 'one' && mixing !== 'each') {
    throw new ArgumentError(
      `augmentation: mixing must be one or each, got ${String(mixing)}. Leave it out for one.`,
    );
  }
  const made = steps.map((step) => makeStep(step, shape));
  const mixers = made.filter(({ mixes }) => mixes);
  const draws = mixing === 'one' && mixers.length > 1;
  return (batch, random) => {
    checkBatch(batch, shape);
    const chosen = draws ? mixers[random.integer(mixers.length)] : undefined;
    for (const step of made) {
      if (!draws || !step.mixes || step === chosen) step.augment(batch, random);
    }
  };
}

interface Step {
  readonly augment: Augmentation;
  readonly mixes: boolean;
}

function makeStep(step: AugmentationStep, shape: ImageShape): Step {
  if (typeof step === 'function') return { augment: step, mixes: false };
  const { name, ...options } = typeof step === 'string' ? { name: step } : step;
  if (!names.includes(name)) {
    throw new ArgumentError(
      `augmentation: a step must be one of ${names.join(', ')}, got ${name}. Correct the name, or pass a function.`,
    );
  }
  const maker = makers[name] as {
    make: (options: object, shape: ImageShape) => Augmentation;
    options: readonly string[];
    mixes?: true;
  };
  const unknown = Object.keys(options).find((key) => !maker.options.includes(key));
  if (unknown !== undefined) {
    throw new ArgumentError(
      `augmentation: the options of ${name} are ${maker.options.join(', ')}, got ${unknown}. Correct it or leave it out.`,
    );
  }
  return { augment: maker.make(options, shape), mixes: maker.mixes ?? false };
}

/** Coordinates have 16 binary places in an int32, which ends at 32,768 pixels; a shear reaches beyond the image. */
const longest = 8192;

function checkShape(shape: ImageShape): void {
  const [height, width, channels] = shape;
  const side = (n: number): boolean => Number.isSafeInteger(n) && n >= 1 && n <= longest;
  if (side(height) && side(width) && (channels === 1 || channels === 3)) return;
  throw new ArgumentError(
    `augmentation: the shape must be [height, width, channels] with sides of 1 to ${longest} and 1 or 3 channels, ` +
      `got [${shape.join(', ')}]. Pass for example [32, 32, 3].`,
  );
}

function checkBatch({ shape, size, pixels, classes, targets }: ImageBatch, expected: ImageShape): void {
  const length = expected[0] * expected[1] * expected[2];
  const fits = expected.every((side, i) => side === shape[i]);
  if (fits && pixels.length === size * length && targets.length === size * classes) return;
  throw new ArgumentError(
    `augmentation: a batch must hold size images of [${expected.join(', ')}] and size × classes targets, got ${size} of ` +
      `[${shape.join(', ')}] in ${pixels.length} pixels and ${targets.length} targets of ${classes} classes. ` +
      `Make one augmentation for each shape.`,
  );
}
