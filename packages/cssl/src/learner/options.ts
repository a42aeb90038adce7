import { ArgumentError, UnsupportedModelError } from '@ockham/core';
import { toRandom, type Random, type Seed } from '@ockham/core/random';
import type { OptimizerSpec } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { augmentation, type AugmentationSpec } from '../augment/index.ts';
import type { Augmentation, ImageShape } from '../image.ts';
import type { ReplayBufferOptions } from '../replay/index.ts';
import { resolveStep, type ResolvedStep, type Step, type StepDefaults } from './step-rule.ts';

/** What is kept of the stream, and how much of it is replayed beside each new example. */
export interface ReplayOptions extends Omit<ReplayBufferOptions, 'shape' | 'seed' | 'features'> {
  /** B, replayed examples in a step, ≥ 0; while fewer are stored, all of them. Default 31: with a new one, batches of 32. */
  readonly batch?: number;
}

/** Options of `coldStart`. Only `replay` and `seed` are required. */
export interface ColdStartOptions {
  /** The buffer: at least a `capacity` (examples) or `bytes`. */
  readonly replay: ReplayOptions;
  /** Seeds the buffer, the augmentation, dropout and new units of the head. */
  readonly seed: Seed;
  /** Default none. The paper's: `['crop-flip', 'mixup', 'cutmix', 'autoaugment']`. */
  readonly augment?: AugmentationSpec | Augmentation;
  /** Default `sgd`, as in the paper. `adam` only with `step: 'fixed'`. */
  readonly optimizer?: OptimizerSpec['name'] | Omit<OptimizerSpec, 'learningRate'>;
  /** η of the fixed step, > 0, or a function of the number of the step. Default: core's of the optimizer, 0.01 (adam: 0.001). */
  readonly learningRate?: number | ((step: number) => number);
  /** Default `fixed`. */
  readonly step?: Step;
  /** Whether the adaptive step is one for the model or one for each layer. Default `model`. */
  readonly stepPer?: 'model' | 'layer';
  /** Fraction of the parameters that are held as they came, from the first layer on, in [0, 1]. Default 0 (full plasticity). */
  readonly freeze?: number;
  /**
   * Labels that the model's outputs stand for already, in their order: a pre-trained model's. Default none: the head
   * starts empty and grows with the stream.
   */
  readonly classes?: readonly number[];
  /** `replace` the model's last dense layer by a head that grows, or `add` a head to all of it. Default: by what it ends with. */
  readonly head?: 'replace' | 'add';
  /**
   * `learn`: batch normalisation takes its statistics from the batch of new and replayed examples and averages them for
   * prediction, the default; `freeze`: from the averages that the model came with.
   */
  readonly batchNorm?: 'learn' | 'freeze';
  /** Height, width, channels. Default: the model's input shape; `[1, n, 1]` for inputs of n values. */
  readonly imageShape?: ImageShape;
  /** The model sees grey levels times this, > 0. Default 1/255. */
  readonly scale?: number;
}

/** Steps in a stream are noisy: what differs from the rules' own defaults. */
const IN_A_STREAM: StepDefaults = {
  adaptive: { growth: 0.02 },
  polyak: { ceiling: 1, growth: 1.05 },
  'line-search': { growth: 1.1 },
};

const DEFAULT_RATES = { sgd: 0.01, momentum: 0.01, adam: 0.001 } as const;

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly replay: Omit<ReplayOptions, 'batch'>;
  readonly batch: number;
  readonly random: Random;
  readonly augment: Augmentation;
  readonly optimizer: OptimizerSpec;
  readonly learningRate: (step: number) => number;
  readonly step: ResolvedStep;
  readonly stepPer: 'model' | 'layer';
  readonly freeze: number;
  readonly classes: readonly number[];
  readonly head: 'replace' | 'add' | undefined;
  readonly batchNorm: 'learn' | 'freeze';
  readonly shape: ImageShape;
  readonly inputShape: readonly number[];
  readonly scale: number;
  /** What a snapshot must agree on to be gone on with. */
  readonly identity: string;
}

/** @throws ArgumentError naming `who` for an option out of range. */
export function resolveOptions(who: string, model: LayersModel, options: ColdStartOptions): ResolvedOptions {
  if (typeof options?.replay !== 'object' || options.replay === null || options.seed === undefined) {
    throw new ArgumentError(
      `${who}: options must have a replay and a seed, got ${options === undefined ? 'none' : Object.keys(options).join(', ') || 'neither'}. Use for example { replay: { capacity: 1_000 }, seed: 1 }.`,
    );
  }
  const {
    replay: { batch = 31, ...replay },
    augment = [],
    optimizer = 'sgd',
    step = 'fixed',
    stepPer = 'model',
    freeze = 0,
    classes = [],
    head,
    batchNorm = 'learn',
    scale = 1 / 255,
  } = options;
  const refuse = (name: string, rule: string, got: unknown): never => {
    throw new ArgumentError(`${who}: ${name} must be ${rule}, got ${String(got)}.`);
  };
  if (!(Number.isInteger(batch) && batch >= 0)) refuse('replay.batch', 'an integer ≥ 0', batch);
  if (!(scale > 0 && Number.isFinite(scale))) refuse('scale', 'a number > 0', scale);
  if (batchNorm !== 'learn' && batchNorm !== 'freeze') refuse('batchNorm', "'learn' or 'freeze'", batchNorm);
  if (head !== undefined && head !== 'replace' && head !== 'add') refuse('head', "'replace' or 'add'", head);
  if (stepPer !== 'model' && stepPer !== 'layer') refuse('stepPer', "'model' or 'layer'", stepPer);
  const resolvedStep = resolveStep(who, step, IN_A_STREAM);
  if (stepPer === 'layer' && resolvedStep.rule !== 'adaptive')
    refuse('stepPer', "'model' for every step but the adaptive one", stepPer);
  const spec: OptimizerSpec = typeof optimizer === 'string' ? { name: optimizer } : optimizer;
  if (!(spec.name in DEFAULT_RATES)) refuse('optimizer', 'sgd, momentum or adam', spec.name);
  if (spec.learningRate !== undefined)
    refuse('optimizer', 'without a learningRate, which stands beside it in the options', spec.learningRate);
  const rate = options.learningRate ?? DEFAULT_RATES[spec.name];
  if (typeof rate === 'number' && !(rate > 0 && Number.isFinite(rate)))
    refuse('learningRate', 'a number > 0', rate);
  const { shape, inputShape } = shapesOf(who, model, options.imageShape);
  const random = toRandom(options.seed);
  return {
    replay,
    batch,
    random,
    augment: typeof augment === 'function' ? augment : augmentation(augment, shape),
    optimizer: spec,
    learningRate: typeof rate === 'function' ? rate : () => rate,
    step: resolvedStep,
    stepPer,
    freeze,
    classes,
    head,
    batchNorm,
    shape,
    inputShape,
    scale,
    identity: JSON.stringify({
      shape,
      scale,
      batch,
      replay,
      augment: typeof augment === 'function' ? 'function' : augment,
      optimizer: spec,
      learningRate: typeof rate === 'function' ? 'function' : rate,
      step: resolvedStep,
      stepPer,
      freeze,
      batchNorm,
      random: random.getState().key,
    }),
  };
}

function shapesOf(
  who: string,
  model: LayersModel,
  given: ImageShape | undefined,
): Pick<ResolvedOptions, 'shape' | 'inputShape'> {
  if (model.inputs.length !== 1 || model.outputs.length !== 1) {
    throw new UnsupportedModelError(
      `${who}: the model must have one input and one output, got ${model.inputs.length} and ${model.outputs.length}. Learn with the part that sees the image.`,
    );
  }
  const inputShape = model.inputs[0]!.shape.slice(1);
  if (inputShape.some((size) => size === null)) {
    throw new ArgumentError(
      `${who}: the model's input must have a fixed shape, got [${inputShape.map((size) => size ?? '?').join(', ')}]. Build it for the images of the stream.`,
    );
  }
  const fixed = inputShape as number[];
  const size = fixed.reduce((product, d) => product * d, 1);
  const inferred = fixed.length === 1 ? [1, size, 1] : fixed.length === 2 ? [...fixed, 1] : fixed;
  const shape = given ?? (inferred as unknown as ImageShape);
  const fits =
    shape.length === 3 &&
    shape.every((d) => Number.isInteger(d) && d >= 1) &&
    [1, 3].includes(shape[2]) &&
    shape[0] * shape[1] * shape[2] === size;
  if (!fits) {
    throw new ArgumentError(
      `${who}: imageShape must be [height, width, 1 or 3] with the ${size} values of the model's input [${fixed.join(', ')}], got [${shape.join(', ')}].`,
    );
  }
  return { shape, inputShape: fixed };
}
