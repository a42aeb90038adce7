import { ArgumentError, NonFiniteError } from '@ockham/core';
import { cloneModel } from '@ockham/core/models';
import { restoreWeights, saveWeights, type Snapshot } from '@ockham/core/training';
import { softmax, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { model as connect, type LayersModel } from '@tensorflow/tfjs-layers';
import { inputOf, type LearningParts } from './batch-problem.ts';
import type { Classifier } from './classifier.ts';
import { freezeFirst, type FrozenParts } from './freeze.ts';
import { Head, takeHead } from './head.ts';
import { checkLabel } from './images.ts';
import { MovingAverages } from './moving-averages.ts';
import type { ResolvedOptions } from './options.ts';

/** Everything that a network has learnt. */
export interface SavedNetwork {
  readonly weights: Snapshot;
  readonly labels: readonly number[];
  /** `[features, labels]`, empty before a first class. */
  readonly kernel: Float32Array;
  readonly bias: Float32Array | undefined;
}

/** A model as the learner trains it: its trunk, and a head that grows in the place of the last dense layer. Owns the head. */
export class Network implements LearningParts {
  readonly trunk: LayersModel;
  readonly head: Head;
  readonly parts: FrozenParts;
  readonly averages: MovingAverages;
  readonly #options: Pick<ResolvedOptions, 'shape' | 'inputShape' | 'scale'>;

  /** @throws ArgumentError for options out of range; UnsupportedModelError where a head has no place. */
  constructor(who: string, model: LayersModel, options: ResolvedOptions) {
    const { head, freeze, classes, random } = options;
    const parts = takeHead(who, model, head);
    this.#options = options;
    this.trunk = parts.trunk;
    this.parts = freezeFirst(who, model, parts.trunk, freeze);
    this.averages = new MovingAverages(parts.trunk);
    this.head = new Head(parts, random.stream('head'));
    if (classes.length === 0) return;
    this.head.adopt(
      who,
      classes.map((label) => checkLabel(who, label)),
    );
  }

  /** Number of variables that learn, the head's included. */
  get variables(): number {
    return this.parts.learning.length + this.head.variables.length;
  }

  /** What the head reads, `[images, features]`, in inference. */
  features(images: readonly Uint8Array[]): Promise<Float32Array> {
    return this.#forward(images, (features) => features);
  }

  /** @param who Whom errors name. */
  classifier(who: string): Classifier {
    const { head } = this;
    return {
      who,
      shape: this.#options.shape,
      classes: head.labels,
      outputOf: (label) => head.outputOf(label),
      probabilities: (images) => this.#probabilities(who, images),
    };
  }

  /** A copy, with an output for each class. */
  async toModel(who: string): Promise<LayersModel> {
    this.#checkClasses(who);
    const output = this.head.toLayer(this.trunk.outputs[0]!);
    try {
      return await cloneModel(connect({ inputs: this.trunk.inputs, outputs: output }));
    } finally {
      output.sourceLayer.dispose();
    }
  }

  async save(): Promise<SavedNetwork> {
    const [kernel, bias] = await Promise.all(
      this.head.variables.map(async (value) => (await value.data<'float32'>()).slice()),
    );
    return {
      weights: await saveWeights(this.trunk),
      labels: this.head.labels,
      kernel: kernel ?? new Float32Array(0),
      bias,
    };
  }

  /** @throws DataError where the weights are another model's; nothing has changed then. */
  restore(who: string, { weights, labels, kernel, bias }: SavedNetwork): void {
    restoreWeights(this.trunk, weights, who);
    this.head.restore(labels, kernel, bias);
  }

  dispose(): void {
    this.head.dispose();
  }

  async #probabilities(who: string, images: readonly Uint8Array[]): Promise<Float32Array> {
    this.#checkClasses(who);
    const values = await this.#forward(images, (features) => softmax(this.head.logits(features)));
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad < 0) return values;
    throw new NonFiniteError(
      `${who}: the probabilities of image ${Math.floor(bad / this.head.labels.length)} are not finite. Lower the learning rate: the weights have diverged.`,
    );
  }

  async #forward(images: readonly Uint8Array[], finish: (features: Tensor) => Tensor): Promise<Float32Array> {
    const { inputShape, scale } = this.#options;
    const pixels = new Float32Array(images.length * (images[0]?.length ?? 0));
    for (const [i, image] of images.entries()) pixels.set(image, i * image.length);
    const output = tidy(() => {
      const input = inputOf(pixels, scale, [images.length, ...inputShape]);
      return finish(this.trunk.apply(input, { training: false }) as Tensor);
    });
    const values = await output.data<'float32'>();
    output.dispose();
    return values;
  }

  #checkClasses(who: string): void {
    if (this.head.labels.length > 0) return;
    throw new ArgumentError(`${who}: no class is known yet. Observe an example first.`);
  }
}
