/**
 * Random offset block embedding: a circular array of m numbers; each block of Z coordinates of a token's vector is the run
 * that starts where the block's hash of the token says, times random signs. Z = D is ROBE-D, smaller Z is ROBE-Z.
 *
 * Source: Desai, Chou and Shrivastava 2021, "Random offset block embedding array (ROBE)"; Sachdeva, section 3.2.
 * Deviations: `signs: false` leaves out g. The last block is shorter where Z does not divide D.
 */
import { ArgumentError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { serialization, type Tensor } from '@tensorflow/tfjs-core';
import { SignBits, UniversalHash } from '../hashing/index.ts';
import { DistinctFinder, lookUpRobe, rowsById } from '../kernels/index.ts';
import {
  atLeastOne,
  CompressedEmbedding,
  distinct,
  type CompressedEmbeddingArgs,
  type LayerWeight,
  type TouchedRows,
} from './compressed-embedding.ts';
import { wordsOf } from './slots.ts';

/** Configuration of a {@link RobeEmbedding}. */
export interface RobeEmbeddingArgs extends CompressedEmbeddingArgs {
  /** Numbers m of the circular array. */
  readonly size: number;
  /** Coordinates Z of a block, at most D. Default D, which is ROBE-D. */
  readonly block?: number;
  /** Whether each token has a random sign for each coordinate. Default true. */
  readonly signs?: boolean;
}

/**
 * All vectors as runs of one circular array: weight `array` `[m]`.
 *
 * @throws ArgumentError for sizes below 1, a block wider than D and an array shorter than a block.
 *
 * @example
 * const words = new RobeEmbedding({ vocabulary: 30522, dimension: 256, size: 500_000, block: 32 });
 */
export class RobeEmbedding extends CompressedEmbedding {
  /** Names the class in saved models. @nocollapse */
  static className = 'RobeEmbedding';
  /** See {@link RobeEmbeddingArgs.size}. */
  readonly size: number;
  /** See {@link RobeEmbeddingArgs.block}. */
  readonly block: number;
  /** See {@link RobeEmbeddingArgs.signs}. */
  readonly signs: boolean;
  /** `[|V|, ⌈D/Z⌉]`: where each block of each token starts. */
  readonly starts: Int32Array;
  readonly #g: SignBits;
  readonly #distinct: DistinctFinder;
  /** The bits of g, `[|V|, ⌈D/32⌉]`. */
  #words: Int32Array | undefined;
  private array: LayerWeight | undefined;

  constructor(args: RobeEmbeddingArgs) {
    super(args);
    const { vocabulary, dimension } = this;
    const { size, block = dimension, signs = true } = args;
    atLeastOne('RobeEmbedding', 'size', size);
    atLeastOne('RobeEmbedding', 'block', block);
    if (block > Math.min(dimension, size)) {
      throw new ArgumentError(
        `RobeEmbedding: block must be at most dimension = ${dimension} and size = ${size}, got ${block}. A block is a run of the array without repeats.`,
      );
    }
    this.size = size;
    this.block = block;
    this.signs = signs;
    const random = new Random(this.seed).stream('hashes');
    const blocks = Math.ceil(dimension / block);
    this.starts = new Int32Array(vocabulary * blocks);
    for (let b = 0; b < blocks; b++) {
      const h = UniversalHash.draw(random.stream('start').stream(b));
      for (let x = 0; x < vocabulary; x++) this.starts[x * blocks + b] = h.bucket(x, size);
    }
    this.#g = SignBits.draw(random.stream('sign'), dimension);
    this.#distinct = new DistinctFinder(vocabulary);
  }

  get parameters(): number {
    return this.size;
  }

  get storedBytes(): number {
    return 4 * this.size + 8;
  }

  override build(): void {
    this.array = this.addTable('array', [this.size], this.deviation);
    this.built = true;
  }

  protected override lookUp(ids: Int32Array): Tensor {
    const { dimension, size, block } = this;
    const { ids: different, places } = this.#distinct.find(ids);
    const starts = rowsById(this.starts, Math.ceil(dimension / block), different);
    const words = this.signs && rowsById((this.#words ??= this.#bits()), wordsOf(dimension), different);
    const tokens = { dimension, places, unique: different.length, size, block, starts };
    return lookUpRobe(this.array!.read(), { ...tokens, ...(words && { words }) });
  }

  /** Where in the array each coordinate of each id is, `[ids.length, D]`. */
  placesOf(ids: ArrayLike<number>): Int32Array {
    const { dimension: D, block: Z, size: m } = this;
    const blocks = Math.ceil(D / Z);
    const places = new Int32Array(ids.length * D);
    for (let n = 0; n < ids.length; n++) {
      for (let j = 0, b = 0; j < D; b++) {
        let place = this.starts[ids[n]! * blocks + b]!;
        for (const end = Math.min(j + Z, D); j < end; j++) {
          places[n * D + j] = place;
          place = place + 1 === m ? 0 : place + 1;
        }
      }
    }
    return places;
  }

  /** The sign g of each coordinate of each id, `[ids.length, D]`. */
  signsOf(ids: ArrayLike<number>): Float32Array {
    const D = this.dimension;
    const signs = new Float32Array(ids.length * D).fill(1);
    if (!this.signs) return signs;
    for (let n = 0; n < ids.length; n++) this.#g.fill(ids[n]!, signs.subarray(n * D, (n + 1) * D));
    return signs;
  }

  #bits(): Int32Array {
    const width = wordsOf(this.dimension);
    const words = new Int32Array(this.vocabulary * width);
    for (let x = 0; x < this.vocabulary; x++) this.#g.words(x, words, x * width);
    return words;
  }

  override rowsOf(ids: ArrayLike<number>): Float32Array {
    const array = this.array!.read().dataSync();
    const places = this.placesOf(ids);
    return this.signsOf(ids).map((sign, i) => sign * array[places[i]!]!);
  }

  override touched(ids: ArrayLike<number>): TouchedRows[] {
    return [{ weight: 0, rows: distinct(this.placesOf(Array.from(new Set(Array.from(ids))))) }];
  }

  override getConfig(): serialization.ConfigDict {
    const { size, block, signs } = this;
    return { ...super.getConfig(), size, block, signs };
  }
}

serialization.registerClass(RobeEmbedding);
