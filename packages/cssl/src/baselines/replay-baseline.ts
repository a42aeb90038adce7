import { ArgumentError, type Split } from '@ockham/core';
import { lossFunction, type LossFunction } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { StreamLearner } from '../evaluation/stream-learner.ts';
import type { ImageShape } from '../image.ts';
import { ReplayBuffer, type ReplayBufferOptions } from '../replay/index.ts';
import type { GradientOptions } from './baseline-options.ts';
import { Classifier, rowsOf } from './classifier.ts';
import { examplesToSplit, inputShapeOf } from './frozen-features.ts';
import { logitsModel } from './logits-model.ts';

/** What makes one method that replays different from another. */
export interface ReplayMethod {
  /** Numbers kept beside each image. Default 0. */
  readonly extras?: number;
  /** Target values of each example beside its label, `loss` reads `[label, ...targets]`. Default 0. */
  readonly targets?: number;
  /** Default: cross-entropy of the logits. */
  readonly loss?: LossFunction;
  /** Before a class that has not appeared is learnt. */
  onNewClass?(classifier: Classifier): Promise<void>;
  /** What to keep beside each new example, `[size, extras]`. */
  extrasOf?(classifier: Classifier, fresh: Split): Promise<Float32Array>;
  /** Targets of a batch `[size, targets]`; the first `fresh` examples are new, `extras` are of the others. */
  targetsOf?(
    classifier: Classifier,
    batch: Split,
    fresh: number,
    extras: Float32Array,
  ): Promise<Float32Array>;
  /** Features for the `herding` policy, `[size, features]`. */
  featuresOf?(classifier: Classifier, fresh: Split): Promise<Float32Array>;
  /** Scores instead of the classifier's. */
  scores?(classifier: Classifier, inputs: Split, stored: StoredImages): Promise<Float32Array>;
  dispose?(): void;
}

/** The images in a memory. */
export interface StoredImages {
  readonly size: number;
  /** Changes whenever an example is stored. */
  readonly version: number;
  read(slots: Int32Array): Split;
}

/** How the memory of a method is set up; undefined: it has none. */
export type BufferOptions = Omit<ReplayBufferOptions, 'shape' | 'seed' | 'measure' | 'codec'>;

/**
 * A learner that takes gradient steps on new and stored examples together.
 *
 * @throws ArgumentError for options out of range.
 */
export async function replayBaseline(
  who: string,
  model: LayersModel,
  options: GradientOptions,
  buffer: BufferOptions | undefined,
  method: ReplayMethod = {},
): Promise<StreamLearner> {
  const { seed = 0, base, optimizer = { name: 'sgd', learningRate: 0.1 }, replay = 31, steps = 1 } = options;
  checkCount(who, 'replay', replay, 0);
  checkCount(who, 'steps', steps, 1);
  const shape = inputShapeOf(who, model);
  const memory = buffer && new ImageMemory(shape, method.extras ?? 0, { ...buffer, seed });
  const own = logitsModel(who, model);
  const classifier = new Classifier(who, own, optimizer, seed);
  const loss = method.loss ?? lossFunction('crossEntropyFromLogits');

  const store = async (fresh: Split) => {
    if (!memory) return;
    const extras = await method.extrasOf?.(classifier, fresh);
    const features = await method.featuresOf?.(classifier, fresh);
    for (let i = 0; i < fresh.size; i++) memory.store(fresh, i, extras, features);
  };
  const learn = async (fresh: Split) => {
    const { split, extras } = memory?.joinedWith(fresh, replay) ?? {
      split: fresh,
      extras: new Float32Array(),
    };
    const targets = await method.targetsOf?.(classifier, split, fresh.size, extras);
    await classifier.step(targets ? withTargets(split, targets, method.targets!) : split, loss);
  };
  if (base) {
    for (const label of new Set(base.y.values)) classifier.meet(label);
    for (let from = 0; from < base.size; from += 256) {
      const images = rowsOf(base, from, Math.min(from + 256, base.size));
      if (!(images.x.values instanceof Uint8Array)) {
        throw new ArgumentError(
          `${who}: the examples of base must be bytes. Multiply numbers in [0, 1] by 255.`,
        );
      }
      await store(images);
    }
  }
  return {
    async observe(examples) {
      const { split: fresh, labels } = examplesToSplit(who, examples, shape);
      if (method.onNewClass && labels.some((label) => !classifier.seen.has(label))) {
        await method.onNewClass(classifier);
      }
      for (const label of labels) classifier.meet(label);
      for (let s = 0; s < steps; s++) await learn(fresh);
      await store(fresh);
    },
    scores: (inputs) =>
      memory && method.scores ? method.scores(classifier, inputs, memory) : classifier.scores(inputs),
    get bytes() {
      return memory?.bytes ?? 0;
    },
    get updates() {
      return classifier.updates;
    },
    get trained() {
      return classifier.trained;
    },
    dispose() {
      method.dispose?.();
      classifier.dispose();
      own.dispose();
    },
  };
}

/** Images as bytes, and perhaps numbers beside each, in a replay buffer. */
class ImageMemory implements StoredImages {
  version = 0;
  readonly #buffer: ReplayBuffer;
  readonly #shape: ImageShape;
  readonly #pixels: number;
  readonly #extras: number;

  constructor(shape: ImageShape, extras: number, options: Omit<ReplayBufferOptions, 'shape' | 'codec'>) {
    this.#shape = shape;
    this.#pixels = shape[0] * shape[1] * shape[2];
    this.#extras = extras;
    const record: ImageShape = extras === 0 ? shape : [this.#pixels + 4 * extras, 1, 1];
    this.#buffer = new ReplayBuffer({ ...options, shape: record, measure: false });
  }

  get bytes(): number {
    return this.#buffer.bytes;
  }

  get size(): number {
    return this.#buffer.size;
  }

  /** Offers the `i`-th new example. */
  store(fresh: Split, i: number, extras: Float32Array | undefined, features: Float32Array | undefined): void {
    const image = fresh.x.values.subarray(i * this.#pixels, (i + 1) * this.#pixels) as Uint8Array;
    let record = image;
    if (extras) {
      record = new Uint8Array(this.#pixels + 4 * this.#extras);
      record.set(image);
      const own = extras.slice(i * this.#extras, (i + 1) * this.#extras);
      record.set(new Uint8Array(own.buffer), this.#pixels);
    }
    const width = features ? features.length / fresh.size : 0;
    const own = features?.subarray(i * width, (i + 1) * width);
    this.#buffer.store(record, fresh.y.values[i]!, own);
    this.version++;
  }

  read(slots: Int32Array): Split {
    return this.#read(slots).split;
  }

  /** The new examples, then up to `count` stored ones. */
  joinedWith(fresh: Split, count: number): { split: Split; extras: Float32Array } {
    const drawn = Math.min(count, this.size);
    if (drawn === 0) return { split: fresh, extras: new Float32Array() };
    const { split: stored, extras } = this.#read(this.#buffer.sample(drawn));
    const values = new Uint8Array((fresh.size + drawn) * this.#pixels);
    values.set(fresh.x.values);
    values.set(stored.x.values, fresh.size * this.#pixels);
    const labels = Int32Array.from([...fresh.y.values, ...stored.y.values]);
    const split = {
      size: fresh.size + drawn,
      x: { ...stored.x, values },
      y: { values: labels, shape: [] },
    };
    return { split, extras };
  }

  #read(slots: Int32Array): { split: Split; extras: Float32Array } {
    const images = new Uint8Array(slots.length * this.#pixels);
    const extras = new Uint8Array(slots.length * 4 * this.#extras);
    for (const [i, slot] of slots.entries()) {
      const record = this.#buffer.recordAt(slot);
      images.set(record.subarray(0, this.#pixels), i * this.#pixels);
      extras.set(record.subarray(this.#pixels), i * 4 * this.#extras);
    }
    const labels = Int32Array.from(slots, (slot) => this.#buffer.labelAt(slot));
    return {
      split: {
        size: slots.length,
        x: { values: images, shape: this.#shape, scale: 1 / 255 },
        y: { values: labels, shape: [] },
      },
      extras: new Float32Array(extras.buffer),
    };
  }
}

/** `y` becomes `[label, ...targets]`. */
function withTargets(split: Split, targets: Float32Array, width: number): Split {
  const values = new Float32Array(split.size * (width + 1));
  for (let i = 0; i < split.size; i++) {
    values[i * (width + 1)] = split.y.values[i]!;
    values.set(targets.subarray(i * width, (i + 1) * width), i * (width + 1) + 1);
  }
  return { ...split, y: { values, shape: [width + 1] } };
}

/** @throws ArgumentError unless `value` is an integer ≥ `least`. */
export function checkCount(who: string, name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new ArgumentError(`${who}: ${name} must be an integer ≥ ${least}, got ${value}.`);
}
