import { add, serialization, type Tensor } from '@tensorflow/tfjs-core';
import { initializers, layers } from '@tensorflow/tfjs-layers';

type Shape = (number | null)[];
type LayerWeight = layers.Layer['weights'][number];

/**
 * Adds a learned `bias` along the last axis, for an output whose matrix belongs to another layer. Starts at 0.
 *
 * Importing `@ockham/core/models` registers the class, so that models with it load from disk.
 */
export class OutputBias extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'OutputBias';
  private bias: LayerWeight | undefined;

  constructor(args: { readonly name?: string } = {}) {
    super({ ...args });
  }

  override build(inputShape: Shape | Shape[]): void {
    const width = (inputShape as Shape).at(-1)!;
    this.bias = this.addWeight('bias', [width], 'float32', initializers.zeros());
    this.built = true;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return inputShape as Shape;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return add(Array.isArray(inputs) ? inputs[0]! : inputs, this.bias!.read());
  }
}

serialization.registerClass(OutputBias);
