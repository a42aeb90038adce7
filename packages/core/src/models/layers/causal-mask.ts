import { cast, greater, mul, range, reshape, serialization, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';

type Shape = (number | null)[];

/** What a score of a later position gets; `exp` of it is 0. */
const HIDDEN = -1e9;

/**
 * Token ids `[batch, length]`, or tokens `[batch, length, width]`, to what is added to attention scores, `[1, 1, length, length]`: 0 where the key is not later than the
 * query, −10⁹ where it is. No position attends to what follows it.
 *
 * Importing `@ockham/core/models` registers the class, so that models with it load from disk.
 */
export class CausalMask extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'CausalMask';

  constructor(args: { readonly name?: string } = {}) {
    super({ ...args });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const length = (inputShape as Shape)[1]!;
    return [1, 1, length, length];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const ids = Array.isArray(inputs) ? inputs[0]! : inputs;
    const length = ids.shape[1]!;
    return tidy(() => {
      const key = reshape(range(0, length), [1, 1, 1, length]);
      const query = reshape(range(0, length), [1, 1, length, 1]);
      return mul(cast(greater(key, query), 'float32'), HIDDEN);
    });
  }
}

serialization.registerClass(CausalMask);
