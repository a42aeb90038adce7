/**
 * A trained table as codes: each vector is cut into M parts, and of each part only the number of the nearest of K centroids
 * is kept, M bytes a token.
 *
 * Source: Jégou, Douze and Schmid 2011, "Product quantization for nearest neighbor search", section 2.
 * Deviations: centroids minimise the error weighted by token frequency.
 */
import { serialization } from '@tensorflow/tfjs-core';
import { ArgumentError } from '@ockham/core';
import type { NamedArray } from '@ockham/core/files';
import { type CompressedEmbeddingArgs } from '../layers/index.ts';
import { FrozenEmbedding, type FrozenNames, type FrozenSizes } from './frozen-embedding.ts';

/** Configuration of a {@link ProductQuantisedEmbedding}. */
export interface ProductQuantisedEmbeddingArgs extends CompressedEmbeddingArgs {
  /** Parts M of a vector, a divisor of `dimension`; bytes of a token. */
  readonly parts: number;
  /** Centroids K of each part, 1 … 256. Default 256. */
  readonly centroids?: number;
}

/**
 * Frozen embeddings by product quantisation; made by `fitTable` and `compressEmbeddings` with `method:
 * 'product-quantisation'`.
 *
 * @throws ArgumentError where parts do not divide the dimension, or centroids are not in [1, 256].
 */
export class ProductQuantisedEmbedding extends FrozenEmbedding {
  /** Names the class in saved models. @nocollapse */
  static className = 'ProductQuantisedEmbedding';
  /** See {@link ProductQuantisedEmbeddingArgs.parts}. */
  readonly parts: number;
  /** See {@link ProductQuantisedEmbeddingArgs.centroids}. */
  readonly centroids: number;
  protected readonly names: FrozenNames = ['codes', 'centroids'];

  constructor(args: ProductQuantisedEmbeddingArgs) {
    super(args);
    const { parts, centroids = 256 } = args;
    if (!(Number.isInteger(parts) && parts >= 1 && args.dimension % parts === 0)) {
      throw new ArgumentError(
        `ProductQuantisedEmbedding: parts must divide dimension = ${args.dimension}, got ${parts}.`,
      );
    }
    if (!(Number.isInteger(centroids) && centroids >= 1 && centroids <= 256)) {
      throw new ArgumentError(
        `ProductQuantisedEmbedding: centroids must be an integer in [1, 256], for a code of one byte, got ${centroids}.`,
      );
    }
    this.parts = parts;
    this.centroids = centroids;
  }

  protected get sizes(): FrozenSizes {
    const { parts, centroids, dimension } = this;
    return { codes: this.vocabulary * parts, floats: [parts, centroids, dimension / parts] };
  }

  get parameters(): number {
    return this.vocabulary * this.parts + this.centroids * this.dimension;
  }

  get storedBytes(): number {
    return this.vocabulary * this.parts + 4 * this.centroids * this.dimension;
  }

  storedArrays(): ReadonlyMap<string, NamedArray> {
    const { codes, floats } = this.tableValues();
    return new Map<string, NamedArray>([
      ['centroids', { shape: this.sizes.floats, values: floats }],
      ['codes', { shape: [this.vocabulary, this.parts], values: codes }],
    ]);
  }

  protected decode(
    id: number,
    codes: Uint8Array,
    centroids: Float32Array,
    to: Float32Array,
    at: number,
  ): void {
    const width = this.dimension / this.parts;
    for (let m = 0; m < this.parts; m++) {
      const from = (m * this.centroids + codes[id * this.parts + m]!) * width;
      for (let j = 0; j < width; j++) to[at + m * width + j] = centroids[from + j]!;
    }
  }

  override getConfig(): serialization.ConfigDict {
    const { parts, centroids } = this;
    return { ...super.getConfig(), parts, centroids };
  }
}

serialization.registerClass(ProductQuantisedEmbedding);
