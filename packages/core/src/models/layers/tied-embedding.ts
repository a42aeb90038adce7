import { cast, gather, matMul, reshape, serialization, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { initializers, layers } from '@tensorflow/tfjs-layers';
import { checkInteger } from '../model-options.ts';

type Shape = (number | null)[];
type LayerWeight = layers.Layer['weights'][number];

/** Configuration of a {@link TiedEmbedding} layer. */
export interface TiedEmbeddingArgs {
  /** Number of tokens. */
  readonly inputDim: number;
  /** Width of a token's vector. */
  readonly outputDim: number;
  /** Standard deviation of the initial values, a normal law cut off at two of them. Default 0.02. */
  readonly deviation?: number;
  /** Seeds the initial values. */
  readonly seed?: number;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
}

/**
 * One table E, `embeddings` `[inputDim, outputDim]`, for both ends of a language model. Called with token ids
 * `[batch, length]` it looks their vectors up, `[batch, length, outputDim]`; called again with vectors
 * `[batch, length, outputDim]` it scores every token, x Eᵀ, `[batch, length, inputDim]`. Both calls share the weight
 * and its gradient.
 *
 * Importing `@ockham/core/models` registers the class, so that models with it load from disk.
 */
export class TiedEmbedding extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'TiedEmbedding';
  /** See {@link TiedEmbeddingArgs.inputDim}. */
  readonly inputDim: number;
  /** See {@link TiedEmbeddingArgs.outputDim}. */
  readonly outputDim: number;
  /** See {@link TiedEmbeddingArgs.deviation}. */
  readonly deviation: number;
  /** See {@link TiedEmbeddingArgs.seed}. */
  readonly seed: number | undefined;
  private embeddings: LayerWeight | undefined;

  constructor(args: TiedEmbeddingArgs) {
    super({ ...args });
    checkInteger('TiedEmbedding', 'inputDim', args.inputDim, 1);
    checkInteger('TiedEmbedding', 'outputDim', args.outputDim, 1);
    this.inputDim = args.inputDim;
    this.outputDim = args.outputDim;
    this.deviation = args.deviation ?? 0.02;
    this.seed = args.seed;
  }

  override build(): void {
    const initializer = initializers.truncatedNormal({
      stddev: this.deviation,
      ...(this.seed === undefined ? {} : { seed: this.seed }),
    });
    this.embeddings = this.addWeight('embeddings', [this.inputDim, this.outputDim], 'float32', initializer);
    this.built = true;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, length, width] = inputShape as Shape;
    return [batch!, length!, width === undefined ? this.outputDim : this.inputDim];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    const [batch, length] = x.shape as [number, number];
    const table = this.embeddings!.read();
    return tidy(() => {
      if (x.rank === 2) {
        const rows = gather(table, cast(reshape(x, [batch * length]), 'int32'));
        return reshape(rows, [batch, length, this.outputDim]);
      }
      const scores = matMul(reshape(x, [batch * length, this.outputDim]), table, false, true);
      return reshape(scores, [batch, length, this.inputDim]);
    });
  }

  override getConfig(): serialization.ConfigDict {
    const { inputDim, outputDim, deviation, seed = null } = this;
    return { ...super.getConfig(), inputDim, outputDim, deviation, seed };
  }

  /** Makes the layer that a saved configuration describes. @nocollapse */
  static override fromConfig<T extends serialization.Serializable>(
    cls: serialization.SerializableConstructor<T>,
    config: serialization.ConfigDict,
  ): T {
    const { seed, ...rest } = config;
    return new cls(seed === null ? rest : config);
  }
}

serialization.registerClass(TiedEmbedding);
