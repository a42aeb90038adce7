import { ArgumentError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { reshape, tensor, tidy, zeros, type serialization, type Tensor } from '@tensorflow/tfjs-core';
import { initializers, layers } from '@tensorflow/tfjs-layers';

type Shape = (number | null)[];

/** A weight of a layer. */
export type LayerWeight = layers.Layer['weights'][number];

/** What every compressed table is told. */
export interface CompressedEmbeddingArgs {
  /** Number of tokens |V|; ids are 0 … |V| − 1. */
  readonly vocabulary: number;
  /** Width D of a token's vector. */
  readonly dimension: number;
  /**
   * Standard deviation of an embedding's numbers at the start, whatever the form: each form draws its weights from normal
   * laws scaled so that what a token gets has this deviation. Default 0.02, BERT's.
   */
  readonly deviation?: number;
  /** Seeds the hash functions and the initial values. Default 0. */
  readonly seed?: number;
  /** Whether ids are checked at each call. Default true. */
  readonly checkIds?: boolean;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
  /** Whether `train` may change the weights. Default true. */
  readonly trainable?: boolean;
}

/** Rows of one weight that a batch reads, and so the only ones with a gradient. */
export interface TouchedRows {
  /** Index of the weight in `layer.weights`. */
  readonly weight: number;
  /** Different rows along the first axis, increasing. */
  readonly rows: Int32Array;
}

/**
 * A table of |V| vectors of D numbers that holds fewer than |V|·D: a layer like `tf.layers.embedding`. Called with integer
 * ids of any shape `[…]` it gives `[…, D]`.
 *
 * Initial values come from {@link Random}, one stream for each weight: the same on every engine.
 */
export abstract class CompressedEmbedding extends layers.Layer {
  /** See {@link CompressedEmbeddingArgs.vocabulary}. */
  readonly vocabulary: number;
  /** See {@link CompressedEmbeddingArgs.dimension}. */
  readonly dimension: number;
  /** See {@link CompressedEmbeddingArgs.deviation}. */
  readonly deviation: number;
  /** See {@link CompressedEmbeddingArgs.seed}. */
  readonly seed: number;
  /** See {@link CompressedEmbeddingArgs.checkIds}. */
  readonly checkIds: boolean;

  constructor(args: CompressedEmbeddingArgs) {
    // tfjs numbers automatic names only where none is given at all
    super({ ...args });
    const who = this.getClassName();
    for (const key of ['vocabulary', 'dimension'] as const) atLeastOne(who, key, args[key]);
    const { deviation = 0.02, seed = 0, checkIds = true } = args;
    if (!(deviation > 0 && deviation < Infinity)) {
      throw new ArgumentError(`${who}: deviation must be a number above 0, got ${deviation}.`);
    }
    this.vocabulary = args.vocabulary;
    this.dimension = args.dimension;
    this.deviation = deviation;
    this.seed = seed;
    this.checkIds = checkIds;
  }

  /** Numbers that must be stored: weights, trainable or not. */
  abstract readonly parameters: number;

  /** Bytes of a saved table: its numbers and seeds. Hash values are computed anew, never stored. */
  abstract readonly storedBytes: number;

  /** Vectors of ids, `[n]` → `[n, D]` for n ≥ 1, differentiable with respect to every weight. */
  protected abstract lookUp(ids: Int32Array): Tensor;

  /** The same in plain TypeScript, `[ids.length, D]`: what tests compare with, and what fits in a page without an engine. */
  abstract rowsOf(ids: ArrayLike<number>): Float32Array;

  /** Which rows of which weights these ids read, for optimisers that update only those. */
  abstract touched(ids: ArrayLike<number>): TouchedRows[];

  /** What is allowed and yet hardly meant: a table that holds more numbers than the plain one. */
  get warnings(): readonly string[] {
    const plain = this.vocabulary * this.dimension;
    if (this.parameters <= plain) return [];
    return [
      `${this.getClassName()}: it holds ${this.parameters} numbers, more than the ${plain} of the plain table that it replaces. Choose smaller sizes.`,
    ];
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return [...(inputShape as Shape), this.dimension];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const ids = Array.isArray(inputs) ? inputs[0]! : inputs;
    return tidy(() => {
      const shape = [...ids.shape, this.dimension];
      if (ids.size === 0) return zeros(shape);
      const values = ids.dataSync();
      if (this.checkIds) this.#check(values, ids.shape);
      return reshape(this.lookUp(values instanceof Int32Array ? values : Int32Array.from(values)), shape);
    });
  }

  override getConfig(): serialization.ConfigDict {
    const { vocabulary, dimension, deviation, seed, checkIds } = this;
    return { ...super.getConfig(), vocabulary, dimension, deviation, seed, checkIds };
  }

  /** A weight of independent normal numbers, drawn from the stream of its name. */
  protected addTable(name: string, shape: number[], deviation: number, trainable = true): LayerWeight {
    const size = shape.reduce((product, n) => product * n, 1);
    const random = new Random(this.seed).stream('initial').stream(name);
    const values = Float32Array.from({ length: size }, () => random.normal(0, deviation));
    return this.addFilled(name, shape, values, trainable);
  }

  /** A weight of given numbers. */
  protected addFilled(name: string, shape: number[], values: Float32Array, trainable = true): LayerWeight {
    const weight = this.addWeight(name, shape, 'float32', initializers.zeros(), undefined, trainable);
    tidy(() => {
      weight.write(tensor(values, shape));
    });
    return weight;
  }

  #check(values: ArrayLike<number>, shape: readonly number[]): void {
    const { vocabulary } = this;
    for (let at = 0; at < values.length; at++) {
      const id = values[at]!;
      if (id >>> 0 === id && id < vocabulary) continue; // an integer ≥ 0
      const place = shape.map((size, axis) => {
        const stride = shape.slice(axis + 1).reduce((product, d) => product * d, 1);
        return Math.floor(at / stride) % size;
      });
      throw new ArgumentError(
        `${this.name}: ids must be integers in [0, ${this.vocabulary}), got ${id} at [${place.join(', ')}]. Was the text encoded with another vocabulary?`,
      );
    }
  }
}

/** @throws ArgumentError unless `value` is an integer ≥ 1. */
export function atLeastOne(who: string, key: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new ArgumentError(`${who}: ${key} must be an integer ≥ 1, got ${value}.`);
  }
}

/** Different values, increasing. */
export function distinct(rows: Iterable<number>): Int32Array {
  return Int32Array.from(new Set(rows)).sort();
}

/** 0 … n − 1. */
export function allRows(n: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => i);
}
