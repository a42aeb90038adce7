import { ArgumentError, DataError, OckhamError } from '@ockham/core';
import { Random, toRandom } from '@ockham/core/random';
import type { ImageShape } from '../image.ts';
import { checkExample, checkFeatures } from './check-example.ts';
import { checkSavedReplay, type SavedMeta } from './check-saved-replay.ts';
import { pixelsOf, type Codec } from './codec.ts';
import { toCodec, type CodecSpec } from './codec-spec.ts';
import { largestClass, largestClassVictim, NEW } from './largest-class.ts';
import {
  checkOptions,
  type EvictPolicy,
  type ReplayBufferOptions,
  type SamplePolicy,
} from './replay-options.ts';
import { overheadOf, recordCost, ReplayTable, type SavedTable, type TableLayout } from './replay-table.ts';
import { sampleAsStreamed, sampleBalanced, sampleUniform, sampleWeighted } from './sample.ts';
import type { LoadedReplay, LoadReplayOptions, SavedReplay } from './saved-replay.ts';

/** What compression costs the images that are stored now. */
export interface Distortion {
  /** Mean over stored pixels of (decoded − original)², in grey levels squared. */
  readonly meanSquaredError: number;
  /** 10 log₁₀(255² / mean squared error) in dB; infinite where nothing was lost. */
  readonly psnr: number;
  /** All bytes over all images: record, label, index and the share of what is kept once. */
  readonly bytesPerImage: number;
}

const KIND = 'ockham-replay 1';
const FLOOR = 0.01; // an example that is learnt still returns

/**
 * The replay buffer R of Algorithm 1: compressed images and their labels, within a number of examples, a number of
 * bytes, or both.
 *
 * `bytes` is exact: what each record takes in memory, 4 bytes each for its label, its place in its class and the class's
 * entry for it, what the policies need, 56 bytes for each class, and the codec's tables once. It never exceeds the
 * budget. (Records lie in pages of at most 256 kB, and the arrays of the index grow by a quarter, so that memory may be so much
 * ahead of that; the objects of the JavaScript engine around the arrays are not counted.) Storing, evicting and sampling take the same time however full the buffer is, except that `loss-weighted`
 * walks a tree (log₂ of the capacity) and `herding` one class.
 *
 * Slots number the stored examples, 0 to `size` − 1. A slot is good until the next `store`, which may move records.
 *
 * @example
 * const buffer = new ReplayBuffer({ shape: [28, 28, 1], capacity: 500, codec: 'quantise(4)', seed: 1 });
 * buffer.store(pixels, 3);
 * const slots = buffer.sample(31);
 * buffer.read(slots, batch);
 */
export class ReplayBuffer {
  /** Of every image. */
  readonly shape: ImageShape;
  /** What makes an image a record. */
  readonly codec: Codec;
  readonly #options: ReplayBufferOptions;
  readonly #evict: EvictPolicy;
  readonly #sample: SamplePolicy;
  readonly #shared: number; // bytes of the codec's tables
  readonly #slots: number; // the most there can be
  readonly #table: ReplayTable;
  readonly #decoded: Float32Array;
  #evictRandom: Random;
  #sampleRandom: Random;
  #offered = 0;

  /**
   * @throws ArgumentError for options out of range, a limit without room for one image (for one of each of `classes`),
   *   or a codec that cannot be
   */
  constructor(options: ReplayBufferOptions) {
    checkOptions(options);
    const { shape, capacity = Infinity, bytes = Infinity, classes = 1, seed } = options;
    this.#options = options;
    this.shape = [shape[0], shape[1], shape[2]];
    this.codec = toCodec(options.codec ?? 'none');
    this.#evict = options.evict ?? 'largest-class';
    this.#sample = options.sample ?? 'uniform';
    const random = toRandom(seed).stream('replay');
    this.#evictRandom = random.stream('evict');
    this.#sampleRandom = random.stream('sample');
    this.#shared = this.codec.sharedBytes(this.shape);
    const layout: TableLayout = {
      recordBytes: this.codec.recordBytes(this.shape),
      errors: options.measure ?? true,
      order: this.#evict === 'fifo',
      weights: this.#sample === 'loss-weighted',
      features: options.features ?? 0,
    };
    const overhead = overheadOf(layout);
    const least = overhead.slot + recordCost(layout, 1);
    const tables = this.#shared + classes * overhead.class;
    if (capacity < classes || bytes - tables < classes * least) {
      throw new ArgumentError(
        `ReplayBuffer: there must be room for one image of each class, ${classes} of ${least} bytes or more beside ${tables} for tables and classes; got ${limits(options)}. Raise it, or compress more.`,
      );
    }
    this.#slots = Math.min(capacity, Math.floor((bytes - this.#shared - overhead.class) / least));
    this.#table = new ReplayTable(layout, this.#slots, bytes);
    this.#decoded = new Float32Array(pixelsOf(this.shape));
  }

  /** Examples that are stored now. */
  get size(): number {
    return this.#table.size;
  }

  /** Bytes in use: records, labels, index and shared tables. */
  get bytes(): number {
    return this.#shared + this.#table.bytes;
  }

  /** Examples that {@link ReplayBuffer.store} was given so far. */
  get offered(): number {
    return this.#offered;
  }

  /** Number of stored examples by label, for the classes that have any. */
  get classes(): ReadonlyMap<number, number> {
    return new Map(this.#table.index.present.map(({ label, members }) => [label, members.size]));
  }

  /**
   * Offers an example: *Compress*, *ReplayStore*, and before it, where there is no room, *ReplayEvict*.
   *
   * @param pixels `[height, width, channels]`, bytes 0–255; copied.
   * @param label An integer in [0, 2³¹ − 1].
   * @param features With `herding`: the features of the example, of the length that the options give.
   * @returns whether the example was kept; the policy may choose the new one to go
   * @throws ArgumentError for another length, type or label, and, where the policy keeps every class, once there are
   *   more classes than there is room for
   */
  store(pixels: Uint8Array, label: number, features?: Float32Array): boolean {
    const table = this.#table;
    checkExample('ReplayBuffer.store', this.shape, pixels, label);
    if (table.herding) checkFeatures(features, table.herding.length);
    const record = this.codec.encode(pixels, this.shape);
    const refusal = this.#refusal([{ label, length: record.length }]);
    if (refusal) throw new ArgumentError(`ReplayBuffer.store: ${refusal}`);
    this.#offered += 1;
    const known = table.index.get(label);
    const seen = (known?.seen ?? 0) + 1;
    if (known) known.seen = seen;
    table.herding?.offer(label, seen, features!);
    for (let evicted = false; !this.#fits(label, record.length); evicted = true) {
      const victim = this.#victim(label, record.length, evicted, features);
      if (victim === NEW) return false;
      table.remove(victim);
    }
    table.insert(label, record, this.#squaredErrorOf(record, pixels), features);
    table.index.get(label)!.seen = seen;
    return true;
  }

  /**
   * Whether {@link ReplayBuffer.store} would take these one after the other, without the error of too little room:
   * each fits alone, and where the policy keeps every class there is room for one image of each, at the longest record
   * it has. For a learner that wants to know before its step.
   *
   * @throws ArgumentError as `store` does for another shape or label
   */
  canStore(examples: readonly { readonly pixels: Uint8Array; readonly label: number }[]): boolean {
    const even = this.codec.recordBytes(this.shape);
    const fresh = examples.map(({ pixels, label }) => {
      checkExample('ReplayBuffer.canStore', this.shape, pixels, label);
      // only a budget of bytes asks for the length of a record
      const unknown = this.#options.bytes === undefined ? 0 : undefined;
      return { label, length: even ?? unknown ?? this.codec.encode(pixels, this.shape).length };
    });
    return fresh.length === 0 || this.#refusal(fresh) === undefined;
  }

  /**
   * Draws slots for a step (*ReplaySample*).
   *
   * @param count An integer ≥ 0.
   * @returns `count` slots; fewer where `uniform`, which draws none twice, has fewer; none from an empty buffer
   */
  sample(count: number): Int32Array {
    if (!Number.isInteger(count) || count < 0) {
      throw new ArgumentError(`ReplayBuffer.sample: count must be an integer ≥ 0, got ${count}.`);
    }
    const { size, index, weights } = this.#table;
    const random = this.#sampleRandom;
    if (size === 0) return new Int32Array(0);
    if (this.#sample === 'class-balanced') return sampleBalanced(index, count, random);
    if (this.#sample === 'reservoir') return sampleAsStreamed(index, count, random);
    if (weights) return sampleWeighted(weights, count, random);
    return sampleUniform(size, Math.min(count, size), random);
  }

  /** @throws ArgumentError for a slot where nothing is stored. */
  labelAt(slot: number): number {
    this.#checkSlot(slot);
    return this.#table.labelOf(slot);
  }

  /** Decodes the images of slots to `into`, `[slots, height, width, channels]` in grey levels 0–255, from `offset` on. */
  read(slots: Int32Array, into: Float32Array, offset = 0): void {
    const pixels = pixelsOf(this.shape);
    if (!(offset >= 0) || offset + slots.length * pixels > into.length) {
      throw new ArgumentError(
        `ReplayBuffer.read: ${slots.length} images of ${pixels} pixels must fit from ${offset} on, got an array of ${into.length}.`,
      );
    }
    slots.forEach((slot) => this.#checkSlot(slot));
    const records = this.#table.gather(slots);
    if (this.codec.decodeAll) this.codec.decodeAll(records, this.shape, into, offset);
    else records.forEach((record, i) => this.codec.decode(record, this.shape, into, offset + i * pixels));
  }

  /** A copy of the record of a slot, as the codec made it. */
  recordAt(slot: number): Uint8Array {
    this.#checkSlot(slot);
    return this.#table.gather([slot])[0]!.slice();
  }

  /**
   * Reports what the model lost on replayed examples, for `loss-weighted`; others ignore it.
   *
   * @param slots From the last {@link ReplayBuffer.sample}; of a slot that is there twice, the last loss counts.
   * @param losses Finite and ≥ 0, one for each slot.
   */
  feedback(slots: Int32Array, losses: Float32Array): void {
    if (slots.length !== losses.length || !losses.every((loss) => loss >= 0 && loss < Infinity)) {
      throw new ArgumentError(
        `ReplayBuffer.feedback: losses must be finite, ≥ 0 and one for each of the ${slots.length} slots, got ${losses.length}: ${losses.slice(0, 5).join(', ')}. Leave a step out that failed.`,
      );
    }
    slots.forEach((slot) => this.#checkSlot(slot));
    slots.forEach((slot, i) => this.#table.weights?.set(slot, losses[i]! + FLOOR));
  }

  /**
   * @returns bytes and error of what is stored now
   * @throws ArgumentError where the buffer was made with `measure: false` or is empty
   */
  distortion(): Distortion {
    const { size, squaredError } = this.#table;
    const measured = this.#options.measure ?? true;
    if (!measured || size === 0) {
      throw new ArgumentError(
        `ReplayBuffer.distortion: needs a measured image, got ${measured ? 'an empty buffer. Store one first.' : 'measure: false. Leave it out for a buffer that is to report it.'}`,
      );
    }
    const meanSquaredError = squaredError / (size * pixelsOf(this.shape));
    const psnr = 10 * Math.log10(255 ** 2 / meanSquaredError);
    return { meanSquaredError, psnr, bytesPerImage: this.bytes / size };
  }

  /** The buffer as plain data, from which {@link ReplayBuffer.load} goes on to the bit, the draws to come included. */
  save(): SavedReplay {
    const { seed: _seed, codec: _codec, ...options } = this.#options;
    const random = { evict: this.#evictRandom.getState(), sample: this.#sampleRandom.getState() };
    const meta: SavedMeta = { kind: KIND, options, codec: this.codec.name, offered: this.#offered, random };
    return { meta: { ...meta }, ...this.#table.save() };
  }

  /**
   * Takes up a saved buffer where it was.
   *
   * @returns the buffer, and the records that were damaged: they are left out, the rest is loaded
   * @throws DataError `checkpoint-mismatch` where `saved` is something else, or was made with another codec than the one
   *   given, as one of your own must be; `corrupt-file` where its parts contradict each other
   */
  static load(saved: SavedReplay, options: LoadReplayOptions = {}): LoadedReplay {
    const meta = saved.meta as unknown as SavedMeta;
    if (meta.kind !== KIND) {
      throw new DataError(
        'checkpoint-mismatch',
        `ReplayBuffer.load: must be a saved replay buffer, got '${meta.kind}'. Check that it is the right file.`,
      );
    }
    checkSavedReplay(meta, saved);
    const codec = options.codec ?? toCodec(meta.codec as CodecSpec);
    if (codec.name !== meta.codec) {
      throw new DataError(
        'checkpoint-mismatch',
        `ReplayBuffer.load: the codec must be the one of the records, ${meta.codec}, got ${codec.name}. Pass that one.`,
      );
    }
    try {
      const buffer = new ReplayBuffer({ ...meta.options, codec, seed: 0 });
      buffer.#evictRandom = Random.fromState(meta.random.evict);
      buffer.#sampleRandom = Random.fromState(meta.random.sample);
      buffer.#offered = meta.offered;
      const table = saved.arrays as unknown as SavedTable;
      if (table.labels.length > buffer.#slots) throw new RangeError('it has more records than room');
      const lost = buffer.#table.restore(table, saved.records);
      return { buffer, lost };
    } catch (cause) {
      if (cause instanceof OckhamError && cause.code !== 'invalid-argument') throw cause;
      throw new DataError(
        'corrupt-file',
        `ReplayBuffer.load: no buffer can be made of what was saved (${(cause as Error).message}). Restore it from a copy.`,
        { cause },
      );
    }
  }

  /**
   * Why these could not be stored one after the other, whatever is evicted: an image that does not fit alone, or, where
   * the policy keeps every class, a class too many.
   */
  #refusal(fresh: readonly { readonly label: number; readonly length: number }[]): string | undefined {
    const { bytes = Infinity } = this.#options;
    const table = this.#table;
    const alone = this.#shared + Math.max(...fresh.map(({ length }) => table.costAlone(length)));
    if (alone > bytes) {
      return `an image must fit alone, and this one takes ${alone} bytes with tables and index; got ${limits(this.#options)}. Raise it, or compress more.`;
    }
    if (this.#evict === 'fifo' || this.#evict === 'reservoir') return undefined;
    const opened = new Map<number, number>(); // label → its longest record
    for (const { label, length } of fresh)
      if (!table.index.get(label)) opened.set(label, Math.max(length, opened.get(label) ?? 0));
    if (opened.size === 0) return undefined;
    const cost = fresh.reduce((sum, { label, length }) => sum + table.cost(label, length), 0);
    if (this.size + fresh.length <= this.#slots && this.bytes + cost <= bytes) return undefined;
    const classes = table.index.present.length + opened.size;
    const reduced = this.#shared + table.mostOfOneEach() + sumOf(opened.values(), (n) => table.costAlone(n));
    if (classes <= this.#slots && reduced <= bytes) return undefined;
    return `there must be room for one image of each class, and ${[...opened.keys()].at(-1)} would be class number ${classes}; got ${limits(this.#options)}. Raise it, compress more, or evict by 'reservoir' or 'fifo'.`;
  }

  #checkSlot(slot: number): void {
    if (Number.isInteger(slot) && slot >= 0 && slot < this.size) return;
    throw new ArgumentError(
      `ReplayBuffer: a slot must be an integer in [0, ${this.size}), got ${slot}. Slots are good until the next store.`,
    );
  }

  #fits(label: number, length: number): boolean {
    const { bytes = Infinity } = this.#options;
    return this.size < this.#slots && this.bytes + this.#table.cost(label, length) <= bytes;
  }

  /**
   * The slot to free for an example of class `label`; {@link NEW} not to keep it, once `evicted` only where every class
   * is down to its last image and the record is too long for its place.
   */
  #victim(label: number, length: number, evicted: boolean, features: Float32Array | undefined): number {
    const { index, herding, order, size } = this.#table;
    const random = this.#evictRandom;
    if (order) return order.oldest;
    if (this.#evict === 'reservoir') {
      const drawn = random.integer(evicted ? size : this.#offered);
      return drawn < size ? drawn : NEW;
    }
    if (index.largestSize === 1 && !this.#replacesLast(label, length)) return NEW;
    if (!herding) return largestClassVictim(index, label, evicted, random);
    const chosen = largestClass(index, label, random);
    const fresh = chosen === label && !evicted ? features : undefined;
    return herding.victim(chosen, index.get(chosen)!.members, fresh);
  }

  /** Whether a record fits in the place of its class's only one. */
  #replacesLast(label: number, length: number): boolean {
    const { bytes = Infinity } = this.#options;
    const last = this.#table.index.get(label)!.members.at(0);
    return this.bytes - this.#table.costOf(last) + this.#table.cost(label, length) <= bytes;
  }

  #squaredErrorOf(record: Uint8Array, pixels: Uint8Array): number {
    if (this.codec.name === 'none' || this.#options.measure === false) return 0;
    this.codec.decode(record, this.shape, this.#decoded, 0);
    let sum = 0;
    for (let i = 0; i < pixels.length; i++) sum += (this.#decoded[i]! - pixels[i]!) ** 2;
    return sum;
  }
}

function sumOf<T>(values: Iterable<T>, of: (value: T) => number): number {
  let sum = 0;
  for (const value of values) sum += of(value);
  return sum;
}

function limits({ capacity, bytes }: ReplayBufferOptions): string {
  return Object.entries({ capacity, bytes })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ');
}
