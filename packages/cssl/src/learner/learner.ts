import { ArgumentError, DataError, type Split } from '@ockham/core';
import type { SnapshotStore } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Example, ImageShape } from '../image.ts';
import { ReplayBuffer, type LostRecord, type ReplayBufferOptions } from '../replay/index.ts';
import type { AdaptiveState } from './adaptive-step.ts';
import { BatchProblem } from './batch-problem.ts';
import { accuracyOf, predictionsOf, scoresOf } from './classifier.ts';
import { fitStream, type ExampleSource } from './fit-stream.ts';
import { checkExamples, type CheckedExample } from './images.ts';
import { JoinedBatches } from './joined-batch.ts';
import { packLearner, unpackLearner } from './learner-snapshot.ts';
import { inSnapshotStore, type LearnerStore } from './learner-store.ts';
import { Network } from './network.ts';
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
  readonly #network: Network;
  readonly #update: StreamingUpdate;
  readonly #batches: JoinedBatches;
  readonly #storeAt: (name: string) => LearnerStore;
  #buffer: ReplayBuffer;
  #counters: Counters = { examples: 0, steps: 0, rolledBack: 0, trained: 0 };
  #busy: string | undefined;

  /** @param storeAt What a text given to `save` and `load` means. */
  constructor(model: LayersModel, options: ColdStartOptions, storeAt: (name: string) => LearnerStore) {
    const who = 'coldStart';
    this.#options = resolveOptions(who, model, options);
    const { shape, step, optimizer, learningRate, stepPer } = this.#options;
    this.#network = new Network(who, model, this.#options);
    try {
      this.#buffer = new ReplayBuffer(this.#bufferOptions());
      this.#update = new StreamingUpdate(who, { optimizer, step, learningRate, per: stepPer });
    } catch (refused) {
      this.#network.dispose();
      throw refused;
    }
    this.#batches = new JoinedBatches(shape);
    this.#storeAt = storeAt;
  }

  /** Labels that the learner knows, in the order of its outputs. */
  get classes(): readonly number[] {
    return this.#network.head.labels;
  }

  /** What was done so far; kept with a saved learner, so that `counters.examples` is where the stream goes on. */
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
    const { frozen, total } = this.#network.parts;
    return { parameters: frozen, of: total };
  }

  /** Where the adaptive step stands, by layer; one entry where the model has one step. */
  get adaptive(): readonly AdaptiveState[] {
    return [...this.#update.adaptive.values()];
  }

  /** Height, width and channels of the images that it takes. */
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
   * @example
   * // a run that was killed goes on where it was saved, to the same weights and the same buffer
   * if (existsSync('learner.ockham')) await learner.load('learner.ockham');
   * await learner.fit(stream.from(learner.counters.examples), { checkpoint: 'learner.ockham' });
   *
   * @throws AbortedError when the signal fires, between two steps and after a last checkpoint; what was learnt stays.
   */
  async fit(stream: ExampleSource, options: FitOptions = {}): Promise<FitResult> {
    return fitStream(this, stream, options);
  }

  /**
   * Classes of one image, or of several.
   *
   * @param x As `Example.x`, or a list of such.
   * @throws ArgumentError for an image of another size or range, or before a first class is known.
   */
  async predict(x: Example['x'] | readonly Example['x'][]): Promise<Predictions> {
    return predictionsOf(this.#network.classifier('learner.predict'), x);
  }

  /**
   * Probabilities by label, `[split.size, highest label known + 1]`; −∞ for classes that the learner does not know.
   *
   * @throws ArgumentError for images of another size or range, or before a first class is known.
   */
  async scores(split: Split): Promise<Float32Array> {
    return scoresOf(this.#network.classifier('learner.scores'), split);
  }

  /**
   * How often the most probable class is the right one.
   *
   * @throws ArgumentError for images of another size or range, or where no example is of a known class.
   */
  async accuracy(split: Split, options: AccuracyOptions = {}): Promise<Accuracy> {
    return accuracyOf(this.#network.classifier('learner.accuracy'), split, options);
  }

  /**
   * The model as it is now, with an output for each class in the order of `classes`: a copy, which the caller disposes of.
   *
   * @throws ArgumentError before a first class is known.
   */
  async toModel(): Promise<LayersModel> {
    return this.#network.toModel('learner.toModel');
  }

  /**
   * Keeps everything that is needed to go on to the bit: weights, optimizer, buffer, random state and counters.
   *
   * @param place A store; or a name: of an entry of the browser's IndexedDB, with `@ockham/cssl/node` of a file.
   */
  async save(place: string | SnapshotStore): Promise<void> {
    await this.#exclusively('save', async () =>
      this.#store(place).write(
        packLearner({
          identity: this.#options.identity,
          ...(await this.#network.save()),
          update: await this.#update.save(),
          buffer: this.#buffer.save(),
          counters: this.#counters,
        }),
      ),
    );
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
      const before = { ...(await this.#network.save()), update: await this.#update.save() };
      try {
        this.#network.restore('learner.load', parts);
        await this.#update.load(parts.update);
      } catch (cause) {
        this.#network.restore('learner.load', before);
        await this.#update.load(before.update);
        if (cause instanceof DataError) throw cause;
        throw new DataError(
          'corrupt-file',
          `learner.load: what was saved does not fit this learner (${(cause as Error).message}); it is as before. Restore the file from a copy.`,
          { cause },
        );
      }
      this.#buffer = buffer;
      this.#counters = parts.counters;
      return { lost };
    });
  }

  /** Frees the head, the optimizer and what is kept of the step before. The model stays, as far as it has learnt. */
  dispose(): void {
    this.#update.dispose();
    this.#network.dispose();
  }

  async #observe(examples: readonly CheckedExample[]): Promise<Observation> {
    this.#checkRoom(examples);
    const { batch: B, augment, random, batchNorm, inputShape, scale } = this.#options;
    const step = this.#counters.steps;
    const slots = this.#buffer.sample(Math.min(B, this.#buffer.size));
    const newClasses = await this.#welcome([
      ...examples.map(({ label }) => label),
      ...Array.from(slots, (slot) => this.#buffer.labelAt(slot)), // the caller may have stored some
    ]);
    const batch = this.#batches.join(this.#network.head, examples, this.#buffer, slots);
    augment(batch, random.stream('augment').stream(step));

    const { averages, parts } = this.#network;
    // one example has no statistics of a batch
    const held = batchNorm === 'freeze' || batch.size === 1 ? averages.norms : parts.frozenNorms;
    const problem = new BatchProblem(this.#network, { batch, inputShape, scale, held, random, step });
    try {
      const mark = averages.mark();
      const { loss, applied, eta } = await this.#update.update(problem, step);
      if (applied) mark.release();
      else mark.putBack();
      if (applied && slots.length > 0) {
        const losses = await problem.losses();
        this.#buffer.feedback(slots, losses.subarray(examples.length));
      }
      const { examples: before, rolledBack, trained } = this.#counters;
      this.#counters = {
        examples: before + examples.length,
        steps: step + 1,
        rolledBack: rolledBack + (applied ? 0 : 1),
        trained: trained + problem.trained,
      };
      await this.#keep(examples);
      return { loss, updated: applied, learningRate: eta, replayed: slots.length, newClasses };
    } finally {
      problem.dispose();
    }
  }

  /** Compress, ReplayStore and ReplayEvict. */
  async #keep(examples: readonly CheckedExample[]): Promise<void> {
    const width = this.#network.head.features;
    const herds = this.#options.replay.evict === 'herding';
    const features = herds ? await this.#network.features(examples.map(({ pixels }) => pixels)) : undefined;
    for (const [i, { pixels, label }] of examples.entries())
      this.#buffer.store(pixels, label, features?.subarray(i * width, (i + 1) * width));
  }

  /** Grows the head by the labels that it does not know. */
  async #welcome(labels: readonly number[]): Promise<readonly number[]> {
    const { head } = this.#network;
    const fresh = [...new Set(labels)].filter((label) => head.outputOf(label) === undefined);
    if (fresh.length === 0) return fresh;
    const from = this.classes.length;
    head.add(fresh);
    await this.#update.grow(this.#network.variables, head.features, from, this.classes.length, head.useBias);
    return fresh;
  }

  /** The buffer would say so too, but after the step. */
  #checkRoom(examples: readonly CheckedExample[]): void {
    if (this.#buffer.canStore(examples)) return;
    const labels = [...new Set(examples.map(({ label }) => label))].join(', ');
    const { capacity, bytes } = this.#options.replay;
    throw new ArgumentError(
      `learner.observe: the buffer must have room for one image of each class, ${this.#buffer.classes.size} so far and now one of ${labels}; got replay.capacity ${capacity ?? 'any'}, replay.bytes ${bytes ?? 'any'}. Raise it, compress more, or evict by 'reservoir' or 'fifo'.`,
    );
  }

  #bufferOptions(): ReplayBufferOptions {
    const { replay, shape, random } = this.#options;
    const herds = replay.evict === 'herding';
    const features = herds ? { features: this.#network.head.features } : {};
    return { ...replay, ...features, shape, seed: random.stream('replay') };
  }

  #store(place: string | SnapshotStore): LearnerStore {
    return typeof place === 'string' ? this.#storeAt(place) : inSnapshotStore(place);
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
