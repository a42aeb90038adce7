/** The cost of augmenting a streaming step's batch: one new example and 31 replayed, 32 × 32 × 3. */
import { Random } from '@ockham/core/random';
import type { Bench } from '../../../tooling/bench/src/bench.ts';
import { augmentation, type AugmentationSpec } from '../src/augment/index.ts';
import { load, makeCanvas } from '../src/augment/canvas.ts';
import { operationNames, operations } from '../src/augment/operations.ts';
import type { ImageBatch, ImageShape } from '../src/image.ts';

const shape: ImageShape = [32, 32, 3];
const size = 32;
const classes = 20;

/** Calls in a timed round, so that a round takes milliseconds. */
const calls = 10;

const specs: Record<string, AugmentationSpec> = {
  'full pipeline': ['crop-flip', 'mixup', 'cutmix', 'autoaugment'],
  'full pipeline, mixing each': { steps: ['crop-flip', 'mixup', 'cutmix', 'autoaugment'], mixing: 'each' },
  'crop-flip': ['crop-flip'],
  mixup: ['mixup'],
  cutmix: ['cutmix'],
  cutout: ['cutout'],
  autoaugment: ['autoaugment'],
  randaugment: ['randaugment'],
};

function makeBatch(): ImageBatch {
  const random = new Random(1);
  const pixels = Float32Array.from({ length: size * 3072 }, () => random.integer(256));
  const targets = new Float32Array(size * classes);
  for (let row = 0; row < size; row++) targets[row * classes + (row % classes)] = 1;
  return { shape, size, pixels, classes, targets };
}

/** Starts every call from the same images: blends of blends are not what a step sees. */
function pipelines(): Record<string, () => void> {
  const original = makeBatch();
  const batch = makeBatch();
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => {
      const augment = augmentation(spec, shape);
      const random = new Random(7);
      const run = (): void => {
        for (let i = 0; i < calls; i++) {
          batch.pixels.set(original.pixels);
          batch.targets.set(original.targets);
          augment(batch, random);
        }
      };
      return [name, run];
    }),
  );
}

function singles(): Record<string, () => void> {
  const { pixels } = makeBatch();
  return Object.fromEntries(
    operationNames
      .filter((name) => name !== 'identity')
      .flatMap((name) =>
        (['nearest', 'bilinear'] as const).map((interpolation) => {
          const canvas = makeCanvas('bench', { interpolation }, shape);
          const { magnitude, apply } = operations[name];
          const random = new Random(7);
          const strength = magnitude(2 / 3, shape);
          const run = (): void => {
            for (let i = 0; i < calls * size; i++) {
              load(canvas, pixels, 0);
              apply(canvas, strength, random);
            }
          };
          return [interpolation === 'nearest' ? name : `${name}, bilinear`, run] as const;
        }),
      )
      .filter(([name]) => !name.includes(',') || /shear|rotate|translate/.test(name)),
  );
}

const benches: Bench[] = [
  {
    id: 'cssl/augment',
    ownEngines: true,
    question: `How long do ${calls} batches of ${size} images of 32 × 32 × 3 take to augment?`,
    rounds: 30,
    warmup: 5,
    seed: 7,
    against: Object.fromEntries(
      Object.keys(specs).filter((n) => n !== 'full pipeline').map((name) => [name, 'full pipeline']),
    ), // prettier-ignore
    prepare: () => ({ variants: pipelines() }),
  },
  {
    id: 'cssl/augment-operations',
    ownEngines: true,
    question: `How long does each operation take on ${calls * size} images of 32 × 32 × 3, rounded to bytes first?`,
    rounds: 20,
    warmup: 3,
    seed: 7,
    against: {},
    prepare: () => ({ variants: singles() }),
  },
];

export default benches;
