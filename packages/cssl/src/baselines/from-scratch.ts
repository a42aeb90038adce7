import { ArgumentError, selectExamples, type Progress, type Split } from '@ockham/core';
import { toRandom, type Random } from '@ockham/core/random';
import {
  restoreWeights,
  saveWeights,
  setLearningRate,
  type LossFunction,
  type Snapshot,
} from '@ockham/core/training';
import { logSoftmax, mean, mul, neg, sum } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { augmentation, type AugmentationSpec } from '../augment/index.ts';
import type { StreamLearner } from '../evaluation/stream-learner.ts';
import type { Augmentation, ImageShape } from '../image.ts';
import type { GradientOptions } from './baseline-options.ts';
import { Classifier } from './classifier.ts';
import { examplesToSplit, inputShapeOf } from './frozen-features.ts';
import { logitsModel } from './logits-model.ts';
import { checkCount } from './replay-baseline.ts';

/** How a model is trained from scratch on what is kept. */
export interface FromScratchOptions extends Omit<GradientOptions, 'replay' | 'steps'> {
  /** Passes over the memory each time, ≥ 1. Default 30. */
  readonly epochs?: number;
  /** Examples in a step, ≥ 1. Default 32. */
  readonly batch?: number;
  /** For example `['cutmix']`, as GDumb on CIFAR. Default none. */
  readonly augment?: AugmentationSpec;
  /** During each training. */
  readonly progress?: Progress;
}

/** What is kept of a stream. */
export interface Memory {
  add(pixels: Uint8Array, label: number): void;
  readonly bytes: number;
  all(): Split;
}

/**
 * A learner that keeps examples and trains a model with the initial weights of `model` on them when it settles.
 *
 * @throws ArgumentError for options out of range.
 */
export async function fromScratch(
  who: string,
  model: LayersModel,
  options: FromScratchOptions,
  memory: Memory,
): Promise<StreamLearner> {
  const { seed = 0, base, epochs = 30, batch = 32, augment, progress } = options;
  const { optimizer = { name: 'momentum', learningRate: 0.05 } } = options;
  checkCount(who, 'epochs', epochs, 1);
  checkCount(who, 'batch', batch, 1);
  const shape = inputShapeOf(who, model);
  const change = augment && augmentation(augment, shape);
  const own = logitsModel(who, model);
  const initial = await saveWeights(own);
  const classifier = new Classifier(who, own, optimizer, seed);
  const random = toRandom(seed).stream(who);
  let trainings = 0;
  let current = false;
  if (base) {
    if (!(base.x.values instanceof Uint8Array))
      throw new ArgumentError(
        `${who}: the examples of base must be bytes. Multiply numbers in [0, 1] by 255.`,
      );
    const width = base.x.values.length / base.size;
    for (let i = 0; i < base.size; i++) {
      classifier.meet(base.y.values[i]!);
      memory.add(base.x.values.subarray(i * width, (i + 1) * width), base.y.values[i]!);
    }
  }
  return {
    async observe(examples) {
      const { split, labels } = examplesToSplit(who, examples, shape);
      const width = split.x.values.length / split.size;
      for (const [i, label] of labels.entries()) {
        classifier.meet(label);
        memory.add((split.x.values as Uint8Array).subarray(i * width, (i + 1) * width), label);
      }
      current = false;
    },
    async settle() {
      if (current) return;
      await trainFromScratch(classifier, initial, memory.all(), {
        epochs,
        batch,
        shape,
        change,
        rate: optimizer.learningRate ?? 0.05,
        random: random.stream(trainings++),
        ...(progress && { progress }),
      });
      current = true;
    },
    scores: (inputs) => classifier.scores(inputs),
    get bytes() {
      return memory.bytes;
    },
    get updates() {
      return classifier.updates;
    },
    get trained() {
      return classifier.trained;
    },
    dispose() {
      classifier.dispose();
      own.dispose();
    },
  };
}

interface Training {
  readonly epochs: number;
  readonly batch: number;
  readonly shape: ImageShape;
  readonly change: Augmentation | undefined;
  readonly rate: number;
  readonly random: Random;
  /** During each training. */
  readonly progress?: Progress;
}

async function trainFromScratch(
  classifier: Classifier,
  initial: Snapshot,
  kept: Split,
  { epochs, batch, shape, change, rate, random, progress }: Training,
): Promise<void> {
  restoreWeights(classifier.model, initial);
  classifier.restartOptimizer();
  const stepsPerEpoch = Math.ceil(kept.size / batch);
  const total = epochs * stepsPerEpoch;
  const chance = random.stream('augment');
  for (let step = 0; step < total; step++) {
    const epoch = Math.floor(step / stepsPerEpoch);
    const order = random.stream('order').stream(epoch).permutation(kept.size);
    const from = (step % stepsPerEpoch) * batch;
    const drawn = selectExamples(kept, order.subarray(from, Math.min(from + batch, kept.size)));
    setLearningRate(classifier.optimizer, (rate * (1 + Math.cos((Math.PI * step) / total))) / 2);
    await classifier.step(softened(drawn, classifier.classes, shape, change, chance), softCrossEntropy);
    progress?.({ stage: 'from scratch', done: step + 1, total });
  }
}

/** The batch after augmentation, its targets rows that sum to 1. */
function softened(
  drawn: Split,
  classes: number,
  shape: ImageShape,
  change: Augmentation | undefined,
  random: Random,
): Split {
  const targets = new Float32Array(drawn.size * classes);
  for (let i = 0; i < drawn.size; i++) targets[i * classes + drawn.y.values[i]!] = 1;
  const pixels = Float32Array.from(drawn.x.values);
  change?.({ shape, size: drawn.size, pixels, classes, targets }, random);
  return { ...drawn, x: { ...drawn.x, values: pixels }, y: { values: targets, shape: [classes] } };
}

/** Cross-entropy of logits against targets that sum to 1, `[batch, classes]`. */
const softCrossEntropy: LossFunction = (target, logits) =>
  neg(mean(sum(mul(target, logSoftmax(logits)), -1)));

/** Images as bytes and their labels as a split. */
export function toSplit(images: readonly Uint8Array[], labels: Int32Array, shape: ImageShape): Split {
  const width = shape[0] * shape[1] * shape[2];
  const values = new Uint8Array(images.length * width);
  for (const [i, image] of images.entries()) values.set(image, i * width);
  return { size: images.length, x: { values, shape, scale: 1 / 255 }, y: { values: labels, shape: [] } };
}
