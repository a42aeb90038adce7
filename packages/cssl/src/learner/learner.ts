import { ArgumentError, NonFiniteError, throwIfAborted, type Split } from '@ockham/core';
import { cloneModel } from '@ockham/core/models';
import { restoreWeights, saveWeights, type SnapshotStore } from '@ockham/core/training';
import { softmax, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { model as connect, type LayersModel } from '@tensorflow/tfjs-layers';
import type { Example, ImageBatch, ImageShape } from '../image.ts';
import {
  ReplayBuffer,
  type LostRecord,
  type ReplayBufferOptions,
  type SavedReplay,
} from '../replay/index.ts';
import type { AdaptiveState } from './adaptive-step.ts';
import { BatchProblem, inputOf } from './batch-problem.ts';
import { freezeFirst, type FrozenParts } from './freeze.ts';
import { Head, takeHead } from './head.ts';
import { checkExamples, checkLabel, type CheckedExample } from './images.ts';
import { packLearner, unpackLearner } from './learner-snapshot.ts';
import { accuracyOf, predictionsOf, scoresOf, type Classifier } from './classifier.ts';
import { inSnapshotStore, type LearnerStore } from './learner-store.ts';
import { MovingAverages } from './moving-averages.ts';
import { resolveOptions, type ColdStartOptions, type ResolvedOptions } from './options.ts';
import type {
  Accuracy,
  AccuracyOptions,
  Counters,
  FitOptions,
  FitResult,
  Observation,
  Predictions,
} from './results.ts';
import { StreamingUpdate } from './streaming-update.ts';

/**
 * A model that learns from a stream, Algorithm 1: each new example is joined by replayed ones, all are augmented, the model takes
 * one step, and the new example goes into the buffer. Made by `coldStart`.
 *
 * It trains the model's own variables, except for the last dense layer, in whose place it has a head of its own that grows.
 * `dispose` frees what the learner made; the model is the caller's.
 */
export class Learner {
  readonly #options: ResolvedOptions;
  readonly #trunk: LayersModel;
  readonly #head: Head;
  readonly #averages: MovingAverages;
  readonly #parts: FrozenParts;
  readonly #update: StreamingUpdate;
  readonly #storeAt: (name: string) => LearnerStore;
  #buffer: ReplayBuffer;
  #counters: Counters = { examples: 0, steps: 0, rolledBack: 0, trained: 0 };
  #pixels = new Float32Array(0);
  #busy: string | undefined;

  /** @param storeAt What a text given to `save` and `load` means. */
  constructor(model: LayersModel, options: ColdStartOptions, storeAt: (name: string) => LearnerStore) {
    const who = 'coldStart';
    this.#options = resolveOptions(who, model, options);
    const { random, step, optimizer, learningRate, stepPer, freeze, classes } = this.#options;
    const parts = takeHead(who, model, this.#options.head);
    this.#trunk = parts.trunk;
    this.#parts = freezeFirst(who, model, parts.trunk, freeze);
    this.#averages = new MovingAverages(parts.trunk);
    this.#storeAt = storeAt;
    this.#head = new Head(parts, random.stream('head'));
    this.#buffer = new ReplayBuffer(this.#bufferOptions());
    if (classes.length > 0)
      this.#head.adopt(
        who,
        classes.map((label) => checkLabel(who, label)),
      );
    this.#update = new StreamingUpdate(who, { optimizer, step, learningRate, per: stepPer });
  }

  /** Labels that the learner knows, in the order of its outputs. */
  get classes(): readonly number[] {
    return this.#head.labels;
  }

  get counters(): Counters {
    return this.#counters;
  }

  /** What is kept of the stream. */
  get buffer(): ReplayBuffer {
    return this.#buffer;
  }

  /** Bytes kept of the stream. */
  get bytes(): number {
    return this.#buffer.bytes;
  }

  /** Steps that were taken. */
  get updates(): number {
    return this.#counters.steps - this.#counters.rolledBack;
  }

  /** See {@link Counters.trained}. */
  get trained(): number {
    return this.#counters.trained;
  }

  /** Parameters held as they came, and all of the given model that could learn. */
  get frozen(): { readonly parameters: number; readonly of: number } {
    return { parameters: this.#parts.frozen, of: this.#parts.total };
  }

  /** Where the adaptive step stands, by layer; one entry where the model has one step. */
  get adaptive(): readonly AdaptiveState[] {
    return [...this.#update.adaptive.values()];
  }

  get imageShape(): ImageShape {
    return this.#options.shape;
  }

  /**
   * Learns from one new example, or from several that came together, each seen here for the only time.
   *
   * @throws ArgumentError, before anything has changed, for an image of another size or range or a label that is not an
   *   integer ≥ 0; and where the observation before has not ended.
   */
  async observe(examples: Example | readonly Example[]): Promise<Observation> {
    const checked = checkExamples('learner.observe', examples, this.#options.shape);
    return this.#exclusively('observe', () => this.#observe(checked));
  }

  /**
   * Observes a stream to its end; lists in it are mini-batches.
   *
   * @throws AbortedError when the signal fires, between two steps; what was learnt stays.
   */
  async fit(
    stream: Iterable<Example | readonly Example[]> | AsyncIterable<Example | readonly Example[]>,
    options: FitOptions = {},
  ): Promise<FitResult> {
    const { signal, progress, total = 0, onStep } = options;
    let examples = 0;
    let steps = 0;
    let losses = 0;
    let finite = 0;
    throwIfAborted(signal, 'learner.fit');
    for await (const item of stream) {
      const observation = await this.observe(item);
      examples += 'length' in item ? item.length : 1;
      steps++;
      if (observation.updated) {
        losses += observation.loss;
        finite++;
      }
      await onStep?.(observation);
      progress?.({ stage: 'stream', done: examples, total, metrics: { loss: observation.loss } });
      if (steps % 16 === 0) await new Promise((resolve) => setTimeout(resolve)); // lets the page, timers and signals breathe
      throwIfAborted(signal, `learner.fit (after ${examples} examples)`);
    }
    return { examples, steps, loss: losses / finite };
  }

  /**
   * Classes of one image, or of several.
   *
   * @param x As `Example.x`, or a list of such.
   * @throws ArgumentError for an image of another size or range, or before a first class is known.
   */
  async predict(x: Example['x'] | readonly Example['x'][]): Promise<Predictions> {
    return predictionsOf(this.#classifier('learner.predict'), x);
  }

  /**
   * Probabilities by label, `[split.size, highest label known + 1]`; −∞ for classes that the learner does not know.
   *
   * @throws ArgumentError for images of another size or range, or before a first class is known.
   */
  async scores(split: Split): Promise<Float32Array> {
    return scoresOf(this.#classifier('learner.scores'), split);
  }

  /**
   * How often the most probable class is the right one.
   *
   * @throws ArgumentError for images of another size or range, or where no example is of a known class.
   */
  async accuracy(split: Split, options: AccuracyOptions = {}): Promise<Accuracy> {
    return accuracyOf(this.#classifier('learner.accuracy'), split, options);
  }

  /**
   * The model as it is now, with an output for each class in the order of `classes`: a copy, which the caller disposes of.
   *
   * @throws ArgumentError before a first class is known.
   */
  async toModel(): Promise<LayersModel> {
    this.#checkClasses('learner.toModel');
    const features = this.#trunk.outputs[0]!;
    const output = this.#head.toLayer(features);
    try {
      return await cloneModel(connect({ inputs: this.#trunk.inputs, outputs: output }));
    } finally {
      output.sourceLayer.dispose();
    }
  }

  /**
   * Keeps everything that is needed to go on to the bit: weights, optimizer, buffer, random state and counters.
   *
   * @param place A store; or a name: of an entry of the browser's IndexedDB, with `@ockham/cssl/node` of a file.
   */
  async save(place: string | SnapshotStore): Promise<void> {
    await this.#exclusively('save', async () => this.#store(place).write(await this.#saved()));
  }

  /**
   * Goes on from where a learner of the same model and options was saved.
   *
   * @returns The records of the buffer that were damaged and left out; empty where all is well.
   * @throws DataError where there is nothing, or it belongs to another model or other options; nothing has changed then.
   */
  async load(place: string | SnapshotStore): Promise<{ readonly lost: readonly LostRecord[] }> {
    return this.#exclusively('load', async () => {
      const saved = await this.#store(place).read();
      const parts = unpackLearner(saved, this.#options.identity);
      const { buffer, lost } = ReplayBuffer.load(parts.buffer, { codec: this.#buffer.codec });
      restoreWeights(this.#trunk, parts.weights, 'learner.load');
      this.#head.restore(parts.labels, parts.kernel, parts.bias);
      await this.#update.load(parts.update);
      this.#buffer = buffer;
      this.#counters = parts.counters;
      return { lost };
    });
  }

  /** Frees the head, the optimizer and what is kept of the step before. The model stays, as far as it has learnt. */
  dispose(): void {
    this.#update.dispose();
    this.#head.dispose();
  }

  async #observe(examples: readonly CheckedExample[]): Promise<Observation> {
    const newClasses = await this.#welcome(examples.map(({ label }) => label));
    const { step, steps } = { step: this.#counters.steps, steps: this.#counters.steps + 1 };
    const slots = this.#buffer.sample(Math.min(this.#options.batch, this.#buffer.size));
    const batch = this.#batch(examples, slots);
    this.#options.augment(batch, this.#options.random.stream('augment').stream(step));

    const { random, batchNorm, inputShape, scale } = this.#options;
    // one example has no statistics of a batch
    const held = batchNorm === 'freeze' || batch.size === 1 ? this.#averages.norms : this.#parts.frozenNorms;
    const problem = new BatchProblem(
      { trunk: this.#trunk, head: this.#head, parts: this.#parts, averages: this.#averages },
      { batch, inputShape, scale, held, random, step },
    );
    try {
      const averages = this.#averages.mark();
      const { loss, applied, eta } = await this.#update.update(problem, step);
      if (applied) averages.release();
      else averages.putBack();
      if (applied && slots.length > 0) {
        const losses = await problem.losses();
        this.#buffer.feedback(slots, losses.subarray(examples.length));
      }
      const { examples: before, rolledBack, trained } = this.#counters;
      this.#counters = {
        examples: before + examples.length,
        steps,
        rolledBack: rolledBack + (applied ? 0 : 1),
        trained: trained + batch.size,
      };
      await this.#keep(examples);
      return { loss, updated: applied, learningRate: eta, replayed: slots.length, newClasses };
    } finally {
      problem.dispose();
    }
  }

  /** Compress, ReplayStore and ReplayEvict. */
  async #keep(examples: readonly CheckedExample[]): Promise<void> {
    const width = this.#head.features;
    const features =
      this.#options.replay.evict === 'herding'
        ? await this.#forward(
            examples.map(({ pixels }) => pixels),
            (values) => values,
          )
        : undefined;
    for (const [i, { pixels, label }] of examples.entries())
      this.#buffer.store(pixels, label, features?.subarray(i * width, (i + 1) * width));
  }

  /** Grows the head by the labels that it does not know. */
  async #welcome(labels: readonly number[]): Promise<readonly number[]> {
    const fresh = [...new Set(labels)].filter((label) => this.#head.outputOf(label) === undefined);
    if (fresh.length === 0) return fresh;
    this.#checkRoom(fresh);
    const from = this.classes.length;
    this.#head.add(fresh);
    const { features, useBias } = this.#head;
    const variables = this.#parts.learning.length + this.#head.variables.length;
    await this.#update.grow(variables, features, from, this.classes.length, useBias);
    return fresh;
  }

  /** The buffer would say so too, but after the step. */
  #checkRoom(fresh: readonly number[]): void {
    const { capacity = Number.POSITIVE_INFINITY, evict = 'largest-class' } = this.#options.replay;
    if (evict === 'fifo' || evict === 'reservoir') return;
    const classes = this.#buffer.classes.size + fresh.length;
    if (classes <= capacity) return;
    throw new ArgumentError(
      `learner.observe: the buffer must have room for one image of each class, ${classes} with the new ${fresh.join(', ')}; got replay.capacity ${capacity}. Raise it, or evict by 'reservoir' or 'fifo'.`,
    );
  }

  /** The new examples, then the replayed ones, as they are before augmentation. */
  #batch(examples: readonly CheckedExample[], slots: Int32Array): ImageBatch {
    const { shape } = this.#options;
    const width = shape[0] * shape[1] * shape[2];
    const size = examples.length + slots.length;
    const classes = this.classes.length;
    if (this.#pixels.length < size * width) this.#pixels = new Float32Array(size * width);
    const pixels = this.#pixels.subarray(0, size * width);
    const targets = new Float32Array(size * classes);
    for (const [i, { pixels: image, label }] of examples.entries()) {
      pixels.set(image, i * width);
      targets[i * classes + this.#head.outputOf(label)!] = 1;
    }
    this.#buffer.read(slots, pixels, examples.length * width);
    for (const [i, slot] of slots.entries())
      targets[(examples.length + i) * classes + this.#head.outputOf(this.#buffer.labelAt(slot))!] = 1;
    return { shape, size, pixels, classes, targets };
  }

  #classifier(who: string): Classifier {
    return {
      who,
      shape: this.#options.shape,
      classes: this.classes,
      outputOf: (label) => this.#head.outputOf(label),
      probabilities: (images) => this.#probabilities(who, images),
    };
  }

  async #probabilities(who: string, images: readonly Uint8Array[]): Promise<Float32Array> {
    this.#checkClasses(who);
    const values = await this.#forward(images, (features) => softmax(this.#head.logits(features)));
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad < 0) return values;
    throw new NonFiniteError(
      `${who}: the probabilities of image ${Math.floor(bad / this.classes.length)} are not finite. Lower the learning rate: the weights have diverged.`,
    );
  }

  /** What `finish` makes of the features of images, in inference. */
  async #forward(images: readonly Uint8Array[], finish: (features: Tensor) => Tensor): Promise<Float32Array> {
    const { inputShape, scale } = this.#options;
    const pixels = new Float32Array(images.length * (images[0]?.length ?? 0));
    for (const [i, image] of images.entries()) pixels.set(image, i * image.length);
    const output = tidy(() =>
      finish(
        this.#trunk.apply(inputOf(pixels, scale, [images.length, ...inputShape]), {
          training: false,
        }) as Tensor,
      ),
    );
    const values = await output.data<'float32'>();
    output.dispose();
    return values;
  }

  #checkClasses(who: string): void {
    if (this.classes.length > 0) return;
    throw new ArgumentError(`${who}: no class is known yet. Observe an example first.`);
  }

  #bufferOptions(): ReplayBufferOptions {
    const { replay, shape, random } = this.#options;
    const herds = replay.evict === 'herding';
    const features = herds ? { features: this.#head.features } : {};
    return { ...replay, ...features, shape, seed: random.stream('replay') };
  }

  #store(place: string | SnapshotStore): LearnerStore {
    return typeof place === 'string' ? this.#storeAt(place) : inSnapshotStore(place);
  }

  async #saved(): Promise<SavedReplay> {
    const [kernel, bias] = await Promise.all(
      this.#head.variables.map(async (value) => (await value.data<'float32'>()).slice()),
    );
    return packLearner({
      identity: this.#options.identity,
      weights: await saveWeights(this.#trunk),
      labels: this.classes,
      kernel: kernel ?? new Float32Array(0),
      bias,
      update: await this.#update.save(),
      buffer: this.#buffer.save(),
      counters: this.#counters,
    });
  }

  async #exclusively<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#busy !== undefined) {
      throw new ArgumentError(
        `learner.${what}: learner.${this.#busy} has not ended. Await it first: examples are learnt one after the other.`,
      );
    }
    this.#busy = what;
    try {
      return await work();
    } finally {
      this.#busy = undefined;
    }
  }
}
