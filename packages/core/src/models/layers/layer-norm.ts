import {
  add,
  engine,
  getBackend,
  getKernel,
  mean,
  mul,
  rsqrt,
  serialization,
  square,
  sub,
  tidy,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { initializers, layers } from '@tensorflow/tfjs-layers';
import { LAYER_NORM } from './layer-norm-kernel.ts';

type Shape = (number | null)[];
type LayerWeight = layers.Layer['weights'][number];

/** Configuration of a {@link LayerNorm} layer. */
export interface LayerNormArgs {
  /** Added to the variance. Default 1e-12, BERT's. */
  readonly epsilon?: number;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
}

/**
 * Layer normalisation over the last axis (Ba, Kiros and Hinton 2016, equation 4): γ (x − μ) / √(σ² + ε) + β, with
 * the weights `gamma` and `beta` of `tf.layers.layerNormalization`. That layer tiles every factor to the input's size,
 * and the gradient of a tile is one slice and one sum for each row: the larger part of a training step.
 *
 * Importing `@ockham/core/models` registers the class, so that models with it load from disk.
 */
export class LayerNorm extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'LayerNorm';
  /** See {@link LayerNormArgs.epsilon}. */
  readonly epsilon: number;
  private gamma: LayerWeight | undefined;
  private beta: LayerWeight | undefined;

  constructor(args: LayerNormArgs = {}) {
    super({ ...args });
    this.epsilon = args.epsilon ?? 1e-12;
  }

  override build(inputShape: Shape | Shape[]): void {
    const width = (inputShape as Shape).at(-1)!;
    this.gamma = this.addWeight('gamma', [width], 'float32', initializers.ones());
    this.beta = this.addWeight('beta', [width], 'float32', initializers.zeros());
    this.built = true;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return inputShape as Shape;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    return tidy(() => {
      const [gamma, beta] = [this.gamma!.read(), this.beta!.read()];
      const { epsilon } = this;
      if (x.dtype === 'float32' && getKernel(LAYER_NORM, getBackend()))
        return engine().runKernel<Tensor>(LAYER_NORM, { x, gamma, beta }, { epsilon });
      const centred = sub(x, mean(x, -1, true)); // [batch, length, width]
      const variance = mean(square(centred), -1, true); // [batch, length, 1]
      const normalised = mul(centred, rsqrt(add(variance, epsilon)));
      return add(mul(normalised, gamma), beta);
    });
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), epsilon: this.epsilon };
  }
}

serialization.registerClass(LayerNorm);
