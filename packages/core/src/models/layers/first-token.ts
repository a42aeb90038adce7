import { reshape, serialization, slice, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';

type Shape = (number | null)[];

/**
 * The vector of the first position, where BERT has `[CLS]`: `[batch, length, width]` to `[batch, width]`.
 *
 * Importing `@ockham/core/models` registers the class, so that models with it load from disk.
 */
export class FirstToken extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'FirstToken';

  constructor(args: { readonly name?: string } = {}) {
    super({ ...args });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, , width] = inputShape as Shape;
    return [batch!, width!];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    const [batch, , width] = x.shape as [number, number, number];
    return tidy(() => reshape(slice(x, [0, 0, 0], [batch, 1, width]), [batch, width]));
  }
}

serialization.registerClass(FirstToken);
