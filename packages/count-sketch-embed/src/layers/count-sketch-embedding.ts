/**
 * Embeddings kept in a count-sketch: d hash functions, each with R rows of its own; a token's vector is the element-wise
 * median of the d rows that its hashes name.
 *
 * Source: Sachdeva, "Probabilistically compressed embedding tables", section 4; Charikar, Chen and Farach-Colton 2002.
 * Deviations: signs and the other estimators are options of this class (`signs: false`, `estimator: 'median'` is the printed
 * form); heavy hitters have rows of their own.
 */
import { ArgumentError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { serialization, type Tensor } from '@tensorflow/tfjs-core';
import { DistinctFinder, lookUpTokens, rowsById } from '../kernels/index.ts';
import {
  atLeastOne,
  CompressedEmbedding,
  distinct,
  type CompressedEmbeddingArgs,
  type LayerWeight,
  type TouchedRows,
} from './compressed-embedding.ts';
import { plainEstimate, type Estimator } from './estimators.ts';
import { medianDeviation } from './median-deviation.ts';
import { signAt, slotsOf, wordsOf, type Signs, type Slots } from './slots.ts';

/** Configuration of a {@link CountSketchEmbedding}. */
export interface CountSketchEmbeddingArgs extends CompressedEmbeddingArgs {
  /** Rows R of each hash function. */
  readonly rows: number;
  /** Hash functions d. Default 3. */
  readonly hashes?: number;
  /** Default `median`, the paper's. */
  readonly estimator?: Estimator;
  /** Groups of the median of means, a divisor of `hashes`. Default: about √d. */
  readonly groups?: number;
  /**
   * Random signs, as a count-sketch has: for each token and hash (`true`, the default), for each of their coordinates too
   * (`'coordinate'`), or none (`false`, as the paper prints).
   */
  readonly signs?: Signs;
  /** Ids of tokens with a row of their own. Default none. */
  readonly heavyHitters?: ArrayLike<number>;
  /**
   * Whose deviation at the start is the one asked: that of the vectors that tokens get (default), or that of the rows they
   * are made from, as a plain table's initializer would give; tokens' vectors are then smaller, by 0.67 for a median of 3.
   */
  readonly deviationOf?: 'embeddings' | 'rows';
}

/**
 * A count-sketch as an embedding layer: one weight `sketch` `[d·R + heavy hitters, D]`.
 *
 * @throws ArgumentError for sizes below 1, groups that do not divide the hashes, heavy hitters out of range or repeated.
 *
 * @example
 * const words = new CountSketchEmbedding({ vocabulary: 30522, dimension: 256, hashes: 4, rows: 512 });
 * const vectors = words.apply(ids); // [batch, length] → [batch, length, 256]
 */
export class CountSketchEmbedding extends CompressedEmbedding {
  /** Names the class in saved models. @nocollapse */
  static className = 'CountSketchEmbedding';
  /** See {@link CountSketchEmbeddingArgs.rows}. */
  readonly rows: number;
  /** See {@link CountSketchEmbeddingArgs.hashes}. */
  readonly hashes: number;
  /** See {@link CountSketchEmbeddingArgs.estimator}. */
  readonly estimator: Estimator;
  /** See {@link CountSketchEmbeddingArgs.groups}. */
  readonly groups: number;
  /** See {@link CountSketchEmbeddingArgs.signs}. */
  readonly signs: Signs;
  /** See {@link CountSketchEmbeddingArgs.heavyHitters}. */
  readonly heavyHitters: readonly number[];
  /** See {@link CountSketchEmbeddingArgs.deviationOf}. */
  readonly deviationOf: 'embeddings' | 'rows';
  /** Where each token's rows are, as the hash functions say. */
  readonly slots: Slots;
  readonly #distinct: DistinctFinder;
  /** `slots` as the kernels take them. */
  #entries: Int32Array | undefined;
  private sketch: LayerWeight | undefined;

  constructor(args: CountSketchEmbeddingArgs) {
    super(args);
    const {
      rows,
      hashes = 3,
      estimator = 'median',
      signs = true,
      heavyHitters = [],
      deviationOf = 'embeddings',
    } = args;
    const who = this.getClassName();
    atLeastOne(who, 'rows', rows);
    atLeastOne(who, 'hashes', hashes);
    const groups = args.groups ?? divisorNearRoot(hashes);
    if (!(Number.isInteger(groups) && groups >= 1 && hashes % groups === 0)) {
      throw new ArgumentError(`${who}: groups must divide hashes = ${hashes}, got ${groups}.`);
    }
    if (typeof signs !== 'boolean' && (signs as string) !== 'coordinate') {
      throw new ArgumentError(`${who}: signs must be true, false or 'coordinate', got ${signs as string}.`);
    }
    const heavy = Array.from(heavyHitters);
    const wrong = heavy.find((x) => !Number.isInteger(x) || x < 0 || x >= args.vocabulary);
    if (wrong !== undefined || new Set(heavy).size !== heavy.length) {
      throw new ArgumentError(
        `${who}: heavyHitters must be different ids in [0, ${args.vocabulary}), got ${wrong ?? 'one twice'}.`,
      );
    }
    this.rows = rows;
    this.hashes = hashes;
    this.estimator = estimator;
    this.groups = groups;
    this.signs = signs;
    this.heavyHitters = heavy;
    this.deviationOf = deviationOf;
    this.#distinct = new DistinctFinder(this.vocabulary);
    this.slots = slotsOf(this.vocabulary, hashes, rows, this.seed, {
      ...{ signs, dimension: this.dimension, heavyHitters: heavy },
    });
  }

  get parameters(): number {
    return (this.hashes * this.rows + this.heavyHitters.length) * this.dimension;
  }

  get storedBytes(): number {
    return 4 * (this.parameters + this.heavyHitters.length) + 8;
  }

  override build(): void {
    const size = this.hashes * this.rows * this.dimension;
    const random = new Random(this.seed).stream('initial').stream('sketch');
    const deviation = this.deviationOf === 'rows' ? this.deviation : this.deviation / this.#shrinkage();
    const values = Float32Array.from({ length: this.parameters }, (_, i) =>
      random.normal(0, i < size ? deviation : this.deviation),
    );
    this.sketch = this.addFilled('sketch', [this.parameters / this.dimension, this.dimension], values);
    this.built = true;
  }

  protected override lookUp(ids: Int32Array): Tensor {
    const { hashes, dimension } = this;
    const groups = { median: hashes, mean: 1, 'median-of-means': this.groups }[this.estimator];
    const { ids: different, places } = this.#distinct.find(ids);
    const entries = (this.#entries ??= this.slots.rows.map(
      (row, i) => row * dimension * 2 + (this.slots.signs[i]! < 0 ? 1 : 0),
    ));
    const slots = rowsById(entries, hashes, different);
    const { words } = this.slots;
    const tokens = { hashes, groups, dimension, places, slots, unique: different.length };
    return lookUpTokens(this.sketch!.read(), {
      ...tokens,
      ...(words && { words: rowsById(words, hashes * wordsOf(dimension), different) }),
    });
  }

  override rowsOf(ids: ArrayLike<number>): Float32Array {
    const sketch = this.sketch!.read().dataSync();
    const { hashes: d, dimension: D } = this;
    const result = new Float32Array(ids.length * D);
    const values = new Float64Array(d);
    for (let n = 0; n < ids.length; n++) {
      for (let j = 0; j < D; j++) {
        for (let i = 0; i < d; i++) {
          const slot = ids[n]! * d + i;
          values[i] = signAt(this.slots, slot, j, D) * sketch[this.slots.rows[slot]! * D + j]!;
        }
        result[n * D + j] = plainEstimate(values, this.estimator, this.groups);
      }
    }
    return result;
  }

  override touched(ids: ArrayLike<number>): TouchedRows[] {
    const d = this.hashes;
    const rows = new Set<number>();
    for (const x of new Set(Array.from(ids))) {
      for (let i = 0; i < d; i++) rows.add(this.slots.rows[x * d + i]!);
    }
    return [{ weight: 0, rows: distinct(rows) }];
  }

  override getConfig(): serialization.ConfigDict {
    const { rows, hashes, estimator, groups, signs, heavyHitters, deviationOf } = this;
    const own = { rows, hashes, estimator, groups, signs, heavyHitters: [...heavyHitters], deviationOf };
    return { ...super.getConfig(), ...own };
  }

  /** Deviation of an estimate of d independent numbers of deviation 1. */
  #shrinkage(): number {
    const { estimator, hashes: d, groups } = this;
    if (estimator === 'mean') return 1 / Math.sqrt(d);
    return estimator === 'median' ? medianDeviation(d) : medianDeviation(groups) / Math.sqrt(d / groups);
  }
}

function divisorNearRoot(d: number): number {
  let best = 1;
  for (let g = 1; g <= d; g++)
    if (d % g === 0 && Math.abs(g - Math.sqrt(d)) < Math.abs(best - Math.sqrt(d))) best = g;
  return best;
}

serialization.registerClass(CountSketchEmbedding);
