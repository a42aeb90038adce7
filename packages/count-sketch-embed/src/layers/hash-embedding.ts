/**
 * The hashing trick for embeddings: a count-sketch of one hash, so that tokens of the same bucket share a row.
 *
 * Source: Weinberger et al. 2009, "Feature hashing for large scale multitask learning".
 * Deviations: no signs unless asked for, as is usual for embeddings.
 */
import { serialization } from '@tensorflow/tfjs-core';
import type { CompressedEmbeddingArgs } from './compressed-embedding.ts';
import { CountSketchEmbedding } from './count-sketch-embedding.ts';
import type { Signs } from './slots.ts';

/** Configuration of a {@link HashEmbedding}. */
export interface HashEmbeddingArgs extends CompressedEmbeddingArgs {
  /** Rows R. */
  readonly rows: number;
  /**
   * Whether a token has its bucket's row or minus that by chance (`true`), with a sign for each coordinate (`'coordinate'`,
   * which lets the tokens of a bucket differ), or as it is (`false`, the default).
   */
  readonly signs?: Signs;
  /** Ids of tokens with a row of their own. Default none. */
  readonly heavyHitters?: ArrayLike<number>;
}

/**
 * One row for each bucket of tokens: weight `sketch` `[R + heavy hitters, D]`.
 *
 * @throws ArgumentError as {@link CountSketchEmbedding}.
 */
export class HashEmbedding extends CountSketchEmbedding {
  /** Names the class in saved models. @nocollapse */
  static override className = 'HashEmbedding';

  constructor(args: HashEmbeddingArgs) {
    super({ signs: false, ...args, hashes: 1, groups: 1, estimator: 'mean' });
  }
}

serialization.registerClass(HashEmbedding);
