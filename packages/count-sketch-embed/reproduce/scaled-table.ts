import { mul, serialization, tensor, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import type { EmbeddingLayer } from '@ockham/count-sketch-embed';

type Shape = (number | null)[];

/** Ids from here on are scaled up. */
const MIDDLE = 1000;

/**
 * A table whose vector of token x is multiplied by ((x + 10) / 1,000)^power, ids being ranks by frequency, so that nothing
 * more is stored. Gradients of a rare token count for more where it shares a row with frequent ones, by the square of that:
 * Adam gives each row of a full table a step of its own, and a shared row the one that its most frequent token asks for.
 */
export class ScaledTable extends layers.Layer {
  /** @nocollapse */
  static className = 'ScaledTable';
  readonly table: EmbeddingLayer;
  readonly power: number;

  constructor({ table, power }: { readonly table: EmbeddingLayer; readonly power: number }) {
    super({});
    this.table = table;
    this.power = power;
  }

  override build(): void {
    if (!this.table.built) this.table.build([null, null]);
    this.table.built = true;
    this.built = true;
  }

  override get trainableWeights(): layers.Layer['trainableWeights'] {
    return this.table.trainableWeights;
  }

  override get nonTrainableWeights(): layers.Layer['nonTrainableWeights'] {
    return this.table.nonTrainableWeights;
  }

  override get weights(): layers.Layer['weights'] {
    return this.table.weights;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return this.table.computeOutputShape(inputShape) as Shape;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const ids = Array.isArray(inputs) ? inputs[0]! : inputs;
    const scales = Float32Array.from(ids.dataSync(), (x) => ((x + 10) / MIDDLE) ** this.power);
    return tidy(() => mul(this.table.apply(ids) as Tensor, tensor(scales, [...ids.shape, 1])));
  }
}

serialization.registerClass(ScaledTable);
