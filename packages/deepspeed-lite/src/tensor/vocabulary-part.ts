import {
  cast,
  gather,
  greaterEqual,
  less,
  logicalAnd,
  matMul,
  mul,
  reshape,
  scalar,
  serialization,
  sub,
  tidy,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { initializers, layers } from '@tensorflow/tfjs-layers';

type Shape = (number | null)[];
type LayerWeight = layers.Layer['weights'][number];

/** Configuration of {@link VocabularyPart}. */
export interface VocabularyPartArgs {
  /** The first token of this rank. */
  readonly begin: number;
  /** Tokens of this rank. */
  readonly inputDim: number;
  /** Width of a token's vector. */
  readonly outputDim: number;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
}

/**
 * The rows [begin, begin + inputDim) of an embedding table `[vocabulary, outputDim]` (Shoeybi et al. 2019, section 3). Called with ids
 * `[batch, …]` it gives their vectors, `[batch, …, outputDim]`, and zeros for the tokens of other ranks: the sum over the ranks is the
 * look-up. Called with vectors `[batch, length, outputDim]` it scores its tokens, x Eᵀ, as core's `TiedEmbedding` does.
 */
export class VocabularyPart extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'VocabularyPart';
  /** See {@link VocabularyPartArgs.begin}. */
  readonly begin: number;
  /** See {@link VocabularyPartArgs.inputDim}. */
  readonly inputDim: number;
  /** See {@link VocabularyPartArgs.outputDim}. */
  readonly outputDim: number;
  private embeddings: LayerWeight | undefined;

  constructor(args: VocabularyPartArgs) {
    super({ ...args });
    [this.begin, this.inputDim, this.outputDim] = [args.begin, args.inputDim, args.outputDim];
  }

  override build(): void {
    const { inputDim, outputDim } = this;
    this.embeddings = this.addWeight('embeddings', [inputDim, outputDim], 'float32', initializers.zeros());
    this.built = true;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = inputShape as Shape;
    return shape.length === 3 ? [...shape.slice(0, -1), this.inputDim] : [...shape, this.outputDim];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    const table = this.embeddings!.read();
    return tidy(() => {
      if (x.rank === 3) {
        const scores = matMul(reshape(x, [-1, this.outputDim]), table, false, true);
        return reshape(scores, [...x.shape.slice(0, -1), this.inputDim]);
      }
      const row = sub(cast(reshape(x, [-1]), 'int32'), scalar(this.begin, 'int32'));
      const mine = logicalAnd(
        greaterEqual(row, scalar(0, 'int32')),
        less(row, scalar(this.inputDim, 'int32')),
      );
      const rows = gather(table, mul(row, cast(mine, 'int32'))); // of others: row 0, times 0
      return reshape(mul(rows, reshape(cast(mine, 'float32'), [-1, 1])), [...x.shape, this.outputDim]);
    });
  }

  override getConfig(): serialization.ConfigDict {
    const { begin, inputDim, outputDim } = this;
    return { ...super.getConfig(), begin, inputDim, outputDim };
  }
}

serialization.registerClass(VocabularyPart);
