import type { Progress } from '@ockham/core';
import type {
  CompressedEmbeddingArgs,
  CountSketchEmbeddingArgs,
  EelbertEmbeddingArgs,
  HashEmbeddingArgs,
  MixedDimensionEmbeddingArgs,
  NanoEmbeddingArgs,
  QuotientRemainderEmbeddingArgs,
  RobeEmbeddingArgs,
  TensorTrainEmbeddingArgs,
} from '../layers/index.ts';
import type { ProductQuantisedEmbeddingArgs } from './product-quantised-embedding.ts';
import type { TableError } from './relative-error.ts';

/** Options of a layer that are not the table's own. */
type Sizes<Args> = Omit<Args, keyof CompressedEmbeddingArgs | 'heavyHitters' | 'lora'>;

/** How many of the most frequent tokens get rows of their own. */
interface Heavy {
  /** Default 0; more needs `frequencies`. */
  readonly heavyHitters?: number;
}

/** Into which form a trained table goes, and how large: what the layer of that name takes. */
export type TableForm =
  | ({ readonly method: 'count-sketch' } & Sizes<CountSketchEmbeddingArgs> & Heavy)
  | ({ readonly method: 'hash' } & Sizes<HashEmbeddingArgs> & Heavy)
  | ({ readonly method: 'robe' } & Sizes<RobeEmbeddingArgs>)
  | ({ readonly method: 'quotient-remainder' } & Sizes<QuotientRemainderEmbeddingArgs>)
  | ({ readonly method: 'mixed-dimension' } & Sizes<MixedDimensionEmbeddingArgs>)
  | ({ readonly method: 'tensor-train' } & Sizes<TensorTrainEmbeddingArgs>)
  | ({ readonly method: 'nano' } & Sizes<NanoEmbeddingArgs>)
  | ({ readonly method: 'eelbert' } & Sizes<EelbertEmbeddingArgs>)
  | ({ readonly method: 'product-quantisation' } & Sizes<ProductQuantisedEmbeddingArgs>)
  | { readonly method: 'int8' };

/** How a table is fitted. */
export interface FitOptions {
  /** How often the text has each token, by id. Weighs the fit and chooses the heavy hitters. Default: all the same. */
  readonly frequencies?: ArrayLike<number>;
  /** A token weighs (frequency + 1)^power. Default 1: the error of a token drawn from the text. */
  readonly power?: number;
  /** Seeds hash functions and centroids. Default 0. */
  readonly seed?: number;
  /** At most so many rounds. Default 50. */
  readonly iterations?: number;
  /** A round that gains less than this part of the squared error is the last. Default 1e-5. */
  readonly tolerance?: number;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
}

/** What became of one table. */
export interface TableReport extends TableError {
  /** The form, as {@link TableForm} names it. */
  readonly method: string;
  /** |V|, rows of the trained table. */
  readonly vocabulary: number;
  /** D, numbers of a row. */
  readonly dimension: number;
  /** 4 · V · D. */
  readonly bytesBefore: number;
  /** Numbers, codes and seeds of the compressed table: what a saved file holds after its header. */
  readonly bytes: number;
  /** A saved file, header included. */
  readonly fileBytes: number;
  /** Numbers that must be stored. */
  readonly parameters: number;
}
