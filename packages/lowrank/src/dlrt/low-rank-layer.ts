import { serialization, type Tensor, type Tensor1D } from '@tensorflow/tfjs-core';
import { initializers, layers } from '@tensorflow/tfjs-layers';

type Shape = (number | null)[];
type LayerWeight = layers.Layer['weights'][number];

/** The factors that a {@link LowRankLayer} multiplies with. */
export interface LayerFactors {
  /** y = x Wᵀ + bias, differentiable in `x` and `bias`; the pass back leaves what a step needs. */
  forward(x: Tensor, bias: Tensor1D): Tensor;
}

interface LowRankArgs {
  readonly name?: string;
  readonly outputShape: Shape;
  readonly activation: string;
  /** Without it the bias is zero and stays so. */
  readonly useBias: boolean;
}

/**
 * The place of a dense layer or a convolution while it is trained in low rank. Its kernel exists only as the factors
 * that are attached, outside of the layer's weights, since their sizes change with the rank.
 */
export class LowRankLayer extends layers.Layer {
  /** @nocollapse */
  static className = 'OckhamLowRank';
  private readonly args: LowRankArgs;
  private readonly activation: layers.Layer | undefined;
  private bias: LayerWeight | undefined;
  /** Owned by the run. */
  factors: LayerFactors | undefined;

  constructor(args: LowRankArgs) {
    super({ ...args });
    this.args = args;
    const { activation } = args;
    if (activation !== 'linear') this.activation = layers.activation({ activation: activation as 'relu' });
  }

  override build(): void {
    const width = this.args.outputShape.at(-1)!;
    const { useBias } = this.args;
    this.bias = this.addWeight('bias', [width], 'float32', initializers.zeros(), undefined, useBias);
    this.built = true;
  }

  override computeOutputShape(): Shape {
    return [...this.args.outputShape];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    const y = this.factors!.forward(x, this.bias!.read() as Tensor1D);
    return this.activation ? (this.activation.apply(y) as Tensor) : y;
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), ...this.args };
  }
}

serialization.registerClass(LowRankLayer);
