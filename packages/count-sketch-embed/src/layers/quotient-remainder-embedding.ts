/**
 * Two small tables, one for the quotient of the id by the number of buckets and one for the remainder: every token has a
 * pair of rows of its own, which are multiplied, added or put side by side.
 *
 * Source: Shi et al. 2020, "Compositional embeddings using complementary partitions".
 * Deviations: both tables start from normal laws, so that the vectors have the deviation asked for.
 */
import { ArgumentError } from '@ockham/core';
import { add, concat, mul, serialization, type Tensor } from '@tensorflow/tfjs-core';
import {
  atLeastOne,
  CompressedEmbedding,
  distinct,
  type CompressedEmbeddingArgs,
  type LayerWeight,
  type TouchedRows,
} from './compressed-embedding.ts';
import { gatherRows } from './gather-rows.ts';

/** How the two rows of a token become its vector. */
export type Combination = 'multiply' | 'add' | 'concatenate';

const combinations: readonly Combination[] = ['multiply', 'add', 'concatenate'];

/** Configuration of a {@link QuotientRemainderEmbedding}. */
export interface QuotientRemainderEmbeddingArgs extends CompressedEmbeddingArgs {
  /** Rows of the table of remainders; that of quotients has ⌈|V| / buckets⌉. Default ⌈√|V|⌉, the smallest pair. */
  readonly buckets?: number;
  /** Default `multiply`. With `concatenate` quotients have the first ⌈D/2⌉ coordinates. */
  readonly combine?: Combination;
}

/**
 * Weights `quotients` `[⌈|V| / buckets⌉, D]` and `remainders` `[buckets, D]`, or of half the width each.
 *
 * @throws ArgumentError for buckets outside [1, |V|], an unknown combination, and D = 1 with `concatenate`.
 */
export class QuotientRemainderEmbedding extends CompressedEmbedding {
  /** Names the class in saved models. @nocollapse */
  static className = 'QuotientRemainderEmbedding';
  /** See {@link QuotientRemainderEmbeddingArgs.buckets}. */
  readonly buckets: number;
  /** See {@link QuotientRemainderEmbeddingArgs.combine}. */
  readonly combine: Combination;
  private quotients: LayerWeight | undefined;
  private remainders: LayerWeight | undefined;

  constructor(args: QuotientRemainderEmbeddingArgs) {
    super(args);
    const who = 'QuotientRemainderEmbedding';
    const { buckets = Math.ceil(Math.sqrt(this.vocabulary)), combine = 'multiply' } = args;
    atLeastOne(who, 'buckets', buckets);
    if (buckets > this.vocabulary) {
      throw new ArgumentError(
        `${who}: buckets must be at most vocabulary = ${this.vocabulary}, got ${buckets}.`,
      );
    }
    if (!combinations.includes(combine)) {
      throw new ArgumentError(`${who}: combine must be one of ${combinations.join(', ')}, got ${combine}.`);
    }
    if (combine === 'concatenate' && this.dimension < 2) {
      throw new ArgumentError(`${who}: dimension must be at least 2 to concatenate, got ${this.dimension}.`);
    }
    this.buckets = buckets;
    this.combine = combine;
  }

  get parameters(): number {
    const [first, second] = this.#widths();
    return Math.ceil(this.vocabulary / this.buckets) * first + this.buckets * second;
  }

  get storedBytes(): number {
    return 4 * this.parameters;
  }

  override build(): void {
    const { combine, deviation, buckets } = this;
    const [first, second] = this.#widths();
    const of = { multiply: Math.sqrt(deviation), add: deviation / Math.SQRT2, concatenate: deviation }[
      combine
    ];
    this.quotients = this.addTable('quotients', [Math.ceil(this.vocabulary / buckets), first], of);
    this.remainders = this.addTable('remainders', [buckets, second], of);
    this.built = true;
  }

  protected override lookUp(ids: Int32Array): Tensor {
    const q = gatherRows(
      this.quotients!.read(),
      ids.map((x) => Math.floor(x / this.buckets)),
    );
    const r = gatherRows(
      this.remainders!.read(),
      ids.map((x) => x % this.buckets),
    );
    if (this.combine === 'concatenate') return concat([q, r], 1);
    return this.combine === 'add' ? add(q, r) : mul(q, r);
  }

  override rowsOf(ids: ArrayLike<number>): Float32Array {
    const [q, r] = [this.quotients!.read().dataSync(), this.remainders!.read().dataSync()];
    const { dimension: D, combine, buckets } = this;
    const [first, second] = this.#widths();
    const result = new Float32Array(ids.length * D);
    for (let n = 0; n < ids.length; n++) {
      const [atQ, atR] = [Math.floor(ids[n]! / buckets) * first, (ids[n]! % buckets) * second];
      for (let j = 0; j < D; j++) {
        if (combine === 'concatenate') result[n * D + j] = j < first ? q[atQ + j]! : r[atR + j - first]!;
        else result[n * D + j] = combine === 'add' ? q[atQ + j]! + r[atR + j]! : q[atQ + j]! * r[atR + j]!;
      }
    }
    return result;
  }

  override touched(ids: ArrayLike<number>): TouchedRows[] {
    const all = Array.from(ids);
    return [
      { weight: 0, rows: distinct(all.map((x) => Math.floor(x / this.buckets))) },
      { weight: 1, rows: distinct(all.map((x) => x % this.buckets)) },
    ];
  }

  override getConfig(): serialization.ConfigDict {
    const { buckets, combine } = this;
    return { ...super.getConfig(), buckets, combine };
  }

  #widths(): [number, number] {
    const D = this.dimension;
    return this.combine === 'concatenate' ? [Math.ceil(D / 2), Math.floor(D / 2)] : [D, D];
  }
}

serialization.registerClass(QuotientRemainderEmbedding);
