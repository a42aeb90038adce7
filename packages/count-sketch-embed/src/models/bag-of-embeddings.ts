/**
 * A text as the mean of its words' vectors, and a linear classifier on it.
 *
 * Source: Iyyer et al. 2015, "Deep unordered composition rivals syntactic methods for text classification", equation 1, and its
 * word dropout.
 */
import { ArgumentError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import {
  matMul,
  serialization,
  tensor1d,
  tensor2d,
  tidy,
  type Tensor,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { initializers, layers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import type { EmbeddingLayer } from './embedding-layer.ts';

type Shape = (number | null)[];

/** Arguments of {@link BagOfEmbeddings}. */
export interface BagOfEmbeddingsArgs {
  /** The layer's from now on. */
  readonly table: EmbeddingLayer;
  /** Probability that a word is left out of its text in training, [0, 1). Default 0; Iyyer et al. take 0.3. */
  readonly wordDropout?: number;
  /** Seeds the draws where nobody sets a seed for each step, as `train` does. Default 0. */
  readonly seed?: number;
  /** Names the layer. Default: counted by tfjs. */
  readonly name?: string;
}

/**
 * The mean of the vectors of a text's words: ids `[batch, length]` to `[batch, D]`, padding (id 0) left out. Holds the
 * table as a layer of its own, and asks it for each different id of a batch once. A text that would lose all its words in training
 * keeps them, which is left open in the paper.
 */
export class BagOfEmbeddings extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'BagOfEmbeddings';
  /** The table, a layer of its own. */
  readonly table: EmbeddingLayer;
  /** See {@link BagOfEmbeddingsArgs.wordDropout}. */
  readonly wordDropout: number;
  /** Tells `train` to set {@link seed} for each step. */
  readonly seededNoise = true;
  /** Of the step under way; set by `train`. */
  seed: number | undefined;
  readonly #initialSeed: number;
  readonly #draws: Random;

  constructor({ name, table, wordDropout = 0, seed = 0 }: BagOfEmbeddingsArgs) {
    super(name === undefined ? {} : { name });
    if (!(wordDropout >= 0 && wordDropout < 1)) {
      throw new ArgumentError(`BagOfEmbeddings: wordDropout must be in [0, 1), got ${wordDropout}.`);
    }
    this.table = table;
    this.wordDropout = wordDropout;
    this.#initialSeed = seed;
    this.#draws = new Random(seed).stream('words');
  }

  override build(): void {
    if (!this.table.built) this.table.build([null, null]);
    this.table.built = true;
    this.built = true;
  }

  /** Those of the table; none while this layer is frozen. */
  override get trainableWeights(): layers.Layer['trainableWeights'] {
    return this.trainable ? this.table.trainableWeights : [];
  }

  /** Those of the table; all of them while this layer is frozen. */
  override get nonTrainableWeights(): layers.Layer['nonTrainableWeights'] {
    return this.trainable ? this.table.nonTrainableWeights : this.table.weights;
  }

  override get weights(): layers.Layer['weights'] {
    return this.table.weights;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch] = inputShape as Shape;
    return [batch!, (this.table.computeOutputShape([null, 1]) as Shape).at(-1)!];
  }

  override call(inputs: Tensor | Tensor[], kwargs: Record<string, unknown> = {}): Tensor {
    const ids = Array.isArray(inputs) ? inputs[0]! : inputs;
    const [batch, length] = ids.shape as [number, number];
    const values = ids.dataSync();
    const random = this.seed === undefined ? this.#draws : new Random(this.seed);
    const texts = Array.from({ length: batch }, (_, row) => {
      const words = values.subarray(row * length, (row + 1) * length).filter((id) => id !== 0);
      if (kwargs['training'] !== true || this.wordDropout === 0) return words;
      const kept = words.filter(() => random.uniform() >= this.wordDropout);
      return kept.length === 0 ? words : kept;
    });
    const columns = new Map<number, number>();
    for (const words of texts) for (const id of words) if (!columns.has(id)) columns.set(id, columns.size);
    if (columns.size === 0) columns.set(0, 0);
    const shares = new Float32Array(batch * columns.size);
    for (const [row, words] of texts.entries())
      for (const id of words) shares[row * columns.size + columns.get(id)!]! += 1 / words.length;
    return tidy(() => {
      const vectors = this.table.apply(tensor1d([...columns.keys()], 'int32')) as Tensor2D;
      return matMul(tensor2d(shares, [batch, columns.size]), vectors);
    });
  }

  override getConfig(): serialization.ConfigDict {
    const table = { className: this.table.getClassName(), config: this.table.getConfig() };
    return { ...super.getConfig(), table, wordDropout: this.wordDropout, seed: this.#initialSeed };
  }

  /** Makes the layer that a saved configuration describes, its table included. @nocollapse */
  static override fromConfig<T extends serialization.Serializable>(
    cls: serialization.SerializableConstructor<T>,
    config: serialization.ConfigDict,
  ): T {
    const { className, config: inner } = config.table as {
      className: string;
      config: serialization.ConfigDict;
    };
    const known = serialization.SerializationMap.getMap().classNameMap[className];
    if (!known) {
      throw new ArgumentError(
        `BagOfEmbeddings: the table's class must be registered, got '${className}'. Import the package that has it.`,
      );
    }
    const [tableClass, make] = known;
    return new cls({ ...config, table: make(tableClass, inner) });
  }
}

/** Options of {@link bagOfEmbeddings}. */
export interface BagOfEmbeddingsOptions {
  /** Words of a text, or null for any number. Default null. */
  readonly length?: number | null;
  /** Number of classes, ≥ 2. Default 2. */
  readonly classes?: number;
  /** Probability that a word is left out of its text in training, [0, 1). Default 0; Iyyer et al. take 0.3. */
  readonly wordDropout?: number;
  /** Seeds the classifier, and words left out where `train` does not. Default 0. */
  readonly seed?: number;
}

/**
 * Mean of embeddings, then a dense layer: ids `[length]` to logits `[classes]`; id 0 is padding.
 *
 * @param table Owned by the model from now on.
 *
 * @example
 * const table = new CountSketchEmbedding({ vocabulary: 14_830, dimension: 64, rows: 308 });
 * const model = bagOfEmbeddings(table);
 * await train(model, data, { epochs: 4, loss: 'crossEntropyFromLogits' });
 */
export function bagOfEmbeddings(table: EmbeddingLayer, options: BagOfEmbeddingsOptions = {}): LayersModel {
  const { length = null, classes = 2, wordDropout = 0, seed = 0 } = options;
  if (!Number.isInteger(classes) || classes < 2) {
    throw new ArgumentError(`bagOfEmbeddings: classes must be an integer ≥ 2, got ${classes}.`);
  }
  const kernelInitializer = initializers.glorotUniform({
    seed: new Random(seed).stream('classifier').seed(),
  });
  const model = sequential();
  model.add(layers.inputLayer({ inputShape: [length], dtype: 'int32' }));
  model.add(new BagOfEmbeddings({ table, wordDropout, seed, name: 'bag' }));
  model.add(layers.dense({ name: 'classifier', units: classes, kernelInitializer }));
  return model;
}

serialization.registerClass(BagOfEmbeddings);
