/**
 * Embeddings computed from the letters of a word whenever it is met, and a learned projection of them where asked for.
 *
 * Source: Cohn et al. 2023, "EELBERT: tiny models through dynamic embeddings"; see {@link WordHasher}.
 * Deviations: those of {@link WordHasher}; the projection is ours.
 */
import { ArgumentError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { matMul, serialization, tensor2d, type Tensor } from '@tensorflow/tfjs-core';
import { WordHasher, type Pooling } from '../hashing/index.ts';
import {
  allRows,
  atLeastOne,
  CompressedEmbedding,
  type CompressedEmbeddingArgs,
  type LayerWeight,
  type TouchedRows,
} from './compressed-embedding.ts';

/** Configuration of an {@link EelbertEmbedding}. */
export interface EelbertEmbeddingArgs extends Omit<CompressedEmbeddingArgs, 'vocabulary'> {
  /** The word, or word piece, of each id: the tokeniser's list. */
  readonly words: readonly string[];
  /** Its length; may be left out. */
  readonly vocabulary?: number;
  /** Longest n-grams N; each length has about an N-th of the coordinates. Default 3, or fewer for fewer coordinates. */
  readonly grams?: number;
  /** Default `root`, so that all words have the deviation asked for; `mean` is the printed form. */
  readonly pooling?: Pooling;
  /** Whether a learned matrix turns hashed vectors into embeddings. Default false. */
  readonly project?: boolean;
  /** Width of hashed vectors before a projection. Default D; without a projection it is D. */
  readonly inner?: number;
  /** Words whose vectors are remembered, the latest used. Default 4,096. */
  readonly cache?: number;
}

/**
 * No weight at all, or with `project` the weight `projection` `[inner, D]`. Hashed vectors are the same bits on every
 * engine and in every run.
 *
 * @throws ArgumentError for an empty list, an empty word, and sizes that do not fit each other.
 *
 * @example
 * const words = new EelbertEmbedding({ words: tokenizer.words, dimension: 128 });
 * const unseen = words.vectorsOf(['counterrevolutionary']); // [1, 128]
 */
export class EelbertEmbedding extends CompressedEmbedding {
  /** Names the class in saved models. @nocollapse */
  static className = 'EelbertEmbedding';
  /** See {@link EelbertEmbeddingArgs.words}. */
  readonly words: readonly string[];
  /** See {@link EelbertEmbeddingArgs.grams}. */
  readonly grams: number;
  /** See {@link EelbertEmbeddingArgs.pooling}. */
  readonly pooling: Pooling;
  /** See {@link EelbertEmbeddingArgs.project}. */
  readonly project: boolean;
  /** Numbers of a hashed vector; D without `project`. */
  readonly inner: number;
  /** See {@link EelbertEmbeddingArgs.cache}. */
  readonly cache: number;
  /** Makes the vector of a word from its letters. */
  readonly hasher: WordHasher;
  readonly #known = new Map<string, Float32Array>();
  private projection: LayerWeight | undefined;

  constructor(args: EelbertEmbeddingArgs) {
    super({ ...args, vocabulary: args.words.length });
    const who = 'EelbertEmbedding';
    const { words, project = false, inner = this.dimension, pooling = 'root', cache = 4096 } = args;
    atLeastOne(who, 'inner', inner);
    atLeastOne(who, 'cache', cache);
    const grams = args.grams ?? Math.min(3, inner);
    atLeastOne(who, 'grams', grams);
    if (args.vocabulary !== undefined && args.vocabulary !== words.length) {
      throw new ArgumentError(
        `${who}: vocabulary must be the number of words, ${words.length}, got ${args.vocabulary}. Leave it out.`,
      );
    }
    const empty = words.indexOf('');
    if (empty >= 0)
      throw new ArgumentError(`${who}: words must have a character, got an empty one at ${empty}.`);
    if (!project && inner !== this.dimension) {
      throw new ArgumentError(
        `${who}: inner must be dimension = ${this.dimension} without a projection, got ${inner}. Set project: true.`,
      );
    }
    if (grams > inner) {
      throw new ArgumentError(`${who}: grams must be at most the ${inner} coordinates, got ${grams}.`);
    }
    if (!['mean', 'root'].includes(pooling)) {
      throw new ArgumentError(`${who}: pooling must be mean or root, got ${pooling}.`);
    }
    this.words = [...words];
    this.grams = grams;
    this.pooling = pooling;
    this.project = project;
    this.inner = inner;
    this.cache = cache;
    const widths = Array.from(
      { length: grams },
      (_, i) => Math.floor(inner / grams) + (i >= grams - (inner % grams) ? 1 : 0),
    );
    this.hasher = WordHasher.draw(new Random(this.seed).stream('hashes'), widths, pooling);
  }

  get parameters(): number {
    return this.project ? this.inner * this.dimension : 0;
  }

  /** Without the words: they are the tokeniser's, which every form of a table needs. */
  get storedBytes(): number {
    return 4 * this.parameters + 8;
  }

  override build(): void {
    if (this.project) {
      const shape = [this.inner, this.dimension];
      this.projection = this.addTable('projection', shape, 1 / Math.sqrt(this.inner));
    }
    this.built = true;
  }

  protected override lookUp(ids: Int32Array): Tensor {
    const hashed = tensor2d(this.#hashed(Array.from(ids, (x) => this.words[x]!)), [ids.length, this.inner]);
    return this.projection ? matMul(hashed, this.projection.read()) : hashed;
  }

  override rowsOf(ids: ArrayLike<number>): Float32Array {
    return this.vectorsOf(Array.from(ids, (x) => this.words[x]!));
  }

  /**
   * Embeddings of any words, in the vocabulary or not, `[words.length, D]`.
   *
   * @throws ArgumentError for an empty word.
   */
  vectorsOf(words: readonly string[]): Float32Array {
    const hashed = this.#hashed(words);
    if (!this.project) return hashed;
    const projection = this.projection!.read().dataSync();
    const { inner, dimension: D } = this;
    return Float32Array.from({ length: words.length * D }, (_, at) => {
      const [n, j] = [Math.floor(at / D), at % D];
      let sum = 0;
      for (let i = 0; i < inner; i++) sum += hashed[n * inner + i]! * projection[i * D + j]!;
      return sum;
    });
  }

  override touched(ids: ArrayLike<number>): TouchedRows[] {
    return this.project ? [{ weight: 0, rows: allRows(ids.length > 0 ? this.inner : 0) }] : [];
  }

  override getConfig(): serialization.ConfigDict {
    const { grams, pooling, project, inner, cache } = this;
    return { ...super.getConfig(), words: [...this.words], grams, pooling, project, inner, cache };
  }

  #hashed(words: readonly string[]): Float32Array {
    const result = new Float32Array(words.length * this.inner);
    words.forEach((word, n) => result.set(this.#remembered(word), n * this.inner));
    return result;
  }

  #remembered(word: string): Float32Array {
    // a product modulo 2³² over 2³¹ is uniform in [−1, 1), of deviation 1/√3
    const vector = this.#known.get(word) ?? this.hasher.vectorOf(word, this.deviation * Math.sqrt(3));
    this.#known.delete(word);
    this.#known.set(word, vector);
    if (this.#known.size > this.cache) this.#known.delete(this.#known.keys().next().value!);
    return vector;
  }
}

serialization.registerClass(EelbertEmbedding);
