import { cast, equal, mul, reshape, scalar, serialization, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';

type Shape = (number | null)[];

/** What a score of a padded position gets; `exp` of it is 0, and a text of padding alone still has no NaN. */
const HIDDEN = -1e9;

/** Configuration of a {@link PaddingMask} layer. */
export interface PaddingMaskArgs {
  /** Id of the padding token. Default 0, BERT's. */
  readonly padding?: number;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
}

/**
 * Token ids `[batch, length]` to what is added to attention scores, `[batch, 1, 1, length]`: 0 for a token, −10⁹ for
 * padding. No position attends to padding.
 *
 * Importing `@ockham/core/models` registers the class, so that models with it load from disk.
 */
export class PaddingMask extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'PaddingMask';
  /** See {@link PaddingMaskArgs.padding}. */
  readonly padding: number;

  constructor(args: PaddingMaskArgs = {}) {
    super({ ...args });
    this.padding = args.padding ?? 0;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, length] = inputShape as Shape;
    return [batch!, 1, 1, length!];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const ids = Array.isArray(inputs) ? inputs[0]! : inputs;
    const [batch, length] = ids.shape as [number, number];
    return tidy(() => {
      const padded = cast(equal(ids, scalar(this.padding, ids.dtype as 'int32')), 'float32');
      return reshape(mul(padded, HIDDEN), [batch, 1, 1, length]);
    });
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), padding: this.padding };
  }
}

serialization.registerClass(PaddingMask);
