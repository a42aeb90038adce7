import { add, serialization, slice, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { initializers, layers } from '@tensorflow/tfjs-layers';
import { ArgumentError } from '../../errors.ts';
import { checkInteger } from '../model-options.ts';

type Shape = (number | null)[];
type LayerWeight = layers.Layer['weights'][number];

/** Configuration of a {@link PositionEmbedding} layer. */
export interface PositionEmbeddingArgs {
  /** Longest text, in tokens. */
  readonly positions: number;
  /** Standard deviation of the initial values, a normal law cut off at two of them. Default 0.02. */
  readonly deviation?: number;
  /** Seeds the initial values. */
  readonly seed?: number;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
}

/**
 * Adds a learned vector for each position: `[batch, length, width]` to the same shape. Its weight `embeddings` is
 * `[positions, width]`, of which the first `length` rows are used.
 *
 * Importing `@ockham/core/models` registers the class, so that models with it load from disk.
 */
export class PositionEmbedding extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'PositionEmbedding';
  /** See {@link PositionEmbeddingArgs.positions}. */
  readonly positions: number;
  /** See {@link PositionEmbeddingArgs.deviation}. */
  readonly deviation: number;
  /** See {@link PositionEmbeddingArgs.seed}. */
  readonly seed: number | undefined;
  private embeddings: LayerWeight | undefined;

  constructor(args: PositionEmbeddingArgs) {
    super({ ...args });
    checkInteger('PositionEmbedding', 'positions', args.positions, 1);
    this.positions = args.positions;
    this.deviation = args.deviation ?? 0.02;
    this.seed = args.seed;
  }

  override build(inputShape: Shape | Shape[]): void {
    const width = (inputShape as Shape).at(-1)!;
    const initializer = initializers.truncatedNormal({
      stddev: this.deviation,
      ...(this.seed === undefined ? {} : { seed: this.seed }),
    });
    this.embeddings = this.addWeight('embeddings', [this.positions, width], 'float32', initializer);
    this.built = true;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return inputShape as Shape;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    const [, length, width] = x.shape as [number, number, number];
    if (length > this.positions) {
      throw new ArgumentError(
        `PositionEmbedding: the text must have at most ${this.positions} tokens, got ${length}. Cut it off, or make the model with more positions.`,
      );
    }
    return tidy(() => add(x, slice(this.embeddings!.read(), [0, 0], [length, width])));
  }

  override getConfig(): serialization.ConfigDict {
    const seed = this.seed ?? null;
    return { ...super.getConfig(), positions: this.positions, deviation: this.deviation, seed };
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

serialization.registerClass(PositionEmbedding);
