/**
 * Frequent tokens get wide rows, rare ones narrow rows that a matrix of their block projects up to D. Ids must be ordered by
 * frequency, the most frequent first.
 *
 * Source: Ginart et al. 2021, "Mixed dimension embeddings".
 * Deviations: blocks are given, or made by {@link mixedDimensionBlocks}; a block of width D has no projection.
 */
import { ArgumentError } from '@ockham/core';
import { concat, matMul, serialization, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import {
  allRows,
  atLeastOne,
  CompressedEmbedding,
  distinct,
  type CompressedEmbeddingArgs,
  type LayerWeight,
  type TouchedRows,
} from './compressed-embedding.ts';
import { gatherRows } from './gather-rows.ts';

/** Neighbouring ids with rows of the same width. */
export interface DimensionBlock {
  /** Ids of the block. */
  readonly tokens: number;
  /** Numbers of a row, at most D. */
  readonly width: number;
}

/** Configuration of a {@link MixedDimensionEmbedding}. */
export interface MixedDimensionEmbeddingArgs extends CompressedEmbeddingArgs {
  /** From the most frequent tokens to the rarest; their `tokens` sum to |V|. */
  readonly blocks: readonly DimensionBlock[];
}

/**
 * Weights `rows<b>` `[tokens, width]` and, where width < D, `projection<b>` `[width, D]` of each block b.
 *
 * @throws ArgumentError unless the blocks cover the vocabulary with widths in [1, D].
 *
 * @example
 * const blocks = [{ tokens: 1000, width: 128 }, { tokens: 29522, width: 8 }];
 * const words = new MixedDimensionEmbedding({ vocabulary: 30522, dimension: 128, blocks });
 */
export class MixedDimensionEmbedding extends CompressedEmbedding {
  /** Names the class in saved models. @nocollapse */
  static className = 'MixedDimensionEmbedding';
  /** See {@link MixedDimensionEmbeddingArgs.blocks}. */
  readonly blocks: readonly DimensionBlock[];
  /** First id of each block. */
  readonly #firsts: readonly number[];
  private tables: LayerWeight[] = [];
  private projections: (LayerWeight | undefined)[] = [];

  constructor(args: MixedDimensionEmbeddingArgs) {
    super(args);
    const who = 'MixedDimensionEmbedding';
    const blocks = args.blocks.map(({ tokens, width }) => ({ tokens, width }));
    for (const { tokens, width } of blocks) {
      atLeastOne(who, 'tokens of a block', tokens);
      atLeastOne(who, 'width of a block', width);
      if (width > this.dimension) {
        throw new ArgumentError(`${who}: width must be at most dimension = ${this.dimension}, got ${width}.`);
      }
    }
    const covered = blocks.reduce((sum, { tokens }) => sum + tokens, 0);
    if (covered !== this.vocabulary) {
      throw new ArgumentError(
        `${who}: blocks must cover the vocabulary of ${this.vocabulary} tokens, got ${covered}. mixedDimensionBlocks makes such blocks.`,
      );
    }
    this.blocks = blocks;
    let first = 0;
    this.#firsts = blocks.map(({ tokens }) => (first += tokens) - tokens);
  }

  get parameters(): number {
    const D = this.dimension;
    return this.blocks.reduce(
      (sum, { tokens, width }) => sum + tokens * width + (width < D ? width * D : 0),
      0,
    );
  }

  get storedBytes(): number {
    return 4 * this.parameters;
  }

  override build(): void {
    this.tables = [];
    this.projections = [];
    this.blocks.forEach(({ tokens, width }, b) => {
      this.tables.push(this.addTable(`rows${b}`, [tokens, width], this.deviation));
      // of variance 1/width: projected rows keep their deviation
      const shape = [width, this.dimension];
      this.projections.push(
        width < this.dimension ? this.addTable(`projection${b}`, shape, 1 / Math.sqrt(width)) : undefined,
      );
    });
    this.built = true;
  }

  protected override lookUp(ids: Int32Array): Tensor {
    const members = this.#membersOf(ids);
    const parts = members.map(({ rows }, b) => {
      const chosen = gatherRows(
        this.tables[b]!.read(),
        rows.length > 0 ? rows : Int32Array.of(0),
      ) as Tensor2D;
      const projection = this.projections[b]?.read() as Tensor2D | undefined;
      return projection ? matMul(chosen, projection) : chosen;
    });
    // a block without tokens in the batch takes part by a row that nobody reads, so that its weights have gradients
    const order = new Int32Array(ids.length);
    let offset = 0;
    for (const { places } of members) {
      places.forEach((n, k) => (order[n] = offset + k));
      offset += Math.max(1, places.length);
    }
    return gatherRows(parts.length > 1 ? concat(parts, 0) : parts[0]!, order);
  }

  override rowsOf(ids: ArrayLike<number>): Float32Array {
    const D = this.dimension;
    const result = new Float32Array(ids.length * D);
    this.#membersOf(ids).forEach(({ places, rows }, b) => {
      const table = this.tables[b]!.read().dataSync();
      const projection = this.projections[b]?.read().dataSync();
      const { width } = this.blocks[b]!;
      places.forEach((n, k) => {
        for (let j = 0; j < D; j++) {
          let sum = projection ? 0 : table[rows[k]! * width + j]!;
          if (projection)
            for (let i = 0; i < width; i++) sum += table[rows[k]! * width + i]! * projection[i * D + j]!;
          result[n * D + j] = sum;
        }
      });
    });
    return result;
  }

  override touched(ids: ArrayLike<number>): TouchedRows[] {
    let weight = 0;
    return this.#membersOf(ids).flatMap(({ rows }, b) => {
      const { width } = this.blocks[b]!;
      const own = { weight: weight++, rows: distinct(rows) };
      if (width === this.dimension) return [own];
      return [own, { weight: weight++, rows: rows.length > 0 ? allRows(width) : new Int32Array(0) }];
    });
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), blocks: this.blocks.map((block) => ({ ...block })) };
  }

  /** For each block the places in `ids` of its tokens, and their rows in its table. */
  #membersOf(ids: ArrayLike<number>): { places: number[]; rows: Int32Array }[] {
    const places = this.blocks.map((): number[] => []);
    for (let n = 0; n < ids.length; n++) {
      places[this.#firsts.findLastIndex((first) => first <= ids[n]!)]!.push(n);
    }
    return places.map((own, b) => ({
      places: own,
      rows: Int32Array.from(own, (n) => ids[n]! - this.#firsts[b]!),
    }));
  }
}

serialization.registerClass(MixedDimensionEmbedding);
