import { serialization, type Tensor } from '@tensorflow/tfjs-core';
import { initializers, layers } from '@tensorflow/tfjs-layers';

type Shape = (number | null)[];
type LayerWeight = layers.Layer['weights'][number];

/** Configuration of a {@link LanguageModelHead}. */
export interface LanguageModelHeadArgs {
  /** Number of tokens that are scored. */
  readonly vocabulary: number;
  /** Whether it has an output table of its own; without one it has the bias alone. */
  readonly table: boolean;
  /** Standard deviation of the table at the start. Default 0.02, BERT's. */
  readonly deviation?: number;
  /** Seeds the table. Default 0. */
  readonly seed?: number;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
}

/**
 * Holds what scores tokens in pre-training and passes its input through: `bias` `[vocabulary]`, and `embeddings`
 * `[vocabulary, D]` where the output table is not the input's. The scores themselves are the loss's business: it wants
 * them at the hidden words alone.
 */
export class LanguageModelHead extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'LanguageModelHead';
  /** Tells `train` to set `seed` at each step, which the sampled loss draws with. */
  readonly seededNoise = true;
  /** Of the step under way; set by `train`. */
  seed: number | undefined;
  /** See {@link LanguageModelHeadArgs.vocabulary}. */
  readonly vocabulary: number;
  /** Whether it holds an output table of its own. */
  readonly table: boolean;
  /** See {@link LanguageModelHeadArgs.deviation}. */
  readonly deviation: number;
  /** `[vocabulary]`, once the layer is built. */
  bias: LayerWeight | undefined;
  /** `[vocabulary, D]`, once the layer is built and if it has a table. */
  embeddings: LayerWeight | undefined;
  readonly #initialSeed: number;

  constructor(args: LanguageModelHeadArgs) {
    super({ ...args });
    this.vocabulary = args.vocabulary;
    this.table = args.table;
    this.deviation = args.deviation ?? 0.02;
    this.#initialSeed = args.seed ?? 0;
    this.seed = this.#initialSeed;
  }

  override build(inputShape: Shape | Shape[]): void {
    const width = (inputShape as Shape).at(-1)!;
    this.bias = this.addWeight('bias', [this.vocabulary], 'float32', initializers.zeros());
    if (this.table) {
      const initializer = initializers.truncatedNormal({ stddev: this.deviation, seed: this.#initialSeed });
      this.embeddings = this.addWeight('embeddings', [this.vocabulary, width], 'float32', initializer);
    }
    this.built = true;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return inputShape as Shape;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return (Array.isArray(inputs) ? inputs[0]! : inputs).clone();
  }

  override getConfig(): serialization.ConfigDict {
    const { vocabulary, table, deviation } = this;
    return { ...super.getConfig(), vocabulary, table, deviation, seed: this.#initialSeed };
  }
}

serialization.registerClass(LanguageModelHead);
