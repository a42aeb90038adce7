import type { PackedMatrix } from '@ockham/core/kernels';
import { serialization, tidy, type Tensor, type Tensor4D } from '@tensorflow/tfjs-core';
import { fakeQuantizeActivations } from '../activation-grid.ts';
import { holdProduct, type ProductMatrix } from './held-matrix.ts';
import type { Activation } from './quantized-dense.ts';
import { QuantizedLayer, type QuantizedLayerArgs } from './quantized-layer.ts';

/** What a convolution of TensorFlow.js knows. */
interface Convolution {
  readonly kernelSize: [number, number];
  readonly strides: [number, number];
  readonly padding: 'same' | 'valid';
  readonly dilationRate: [number, number];
  readonly useBias: boolean;
  readonly activation: Activation;
}

/**
 * A convolution, channels last, on a packed filter `[filters, height · width · channels]`, which the kernels decode for the
 * time of the call: of all filters of a network one is there as floats, and only while it is used. Activations on a grid are
 * rounded to it and then multiplied as floats, which gives the sums of integers but for rounding.
 */
export class QuantizedConv2D extends QuantizedLayer {
  /** Names the class in saved models. @nocollapse */
  static className = 'QuantizedConv2D';

  constructor(args: QuantizedLayerArgs) {
    super(args, 'Conv2D');
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const given = Array.isArray(inputs) ? inputs[0]! : inputs;
    const { kernelSize, strides, padding, dilationRate, activation } = this.convolution;
    const name = activation.getClassName();
    const fused = name === 'relu' || name === 'linear' ? name : undefined;
    const bias = this.bias();
    return tidy(() => {
      const x = (this.activations ? fakeQuantizeActivations(given, this.activations) : given) as Tensor4D;
      const y = this.product('kernel').convolve(x, {
        ...{ size: kernelSize, strides, padding, dilations: dilationRate },
        ...(bias && { bias }),
        activation: fused ?? 'linear',
      });
      return fused === undefined ? activation.apply(y) : y;
    });
  }

  override weightShape(): number[] {
    const { outputs, inputs } = this.matrices['kernel']!;
    const { kernelSize } = this.convolution;
    return [...kernelSize, inputs / (kernelSize[0] * kernelSize[1]), outputs];
  }

  protected override keepMatrix(_name: string, matrix: PackedMatrix): Promise<ProductMatrix> {
    return holdProduct(matrix);
  }

  private get convolution(): Convolution {
    return this.origin as unknown as Convolution;
  }

  protected override biasSize(): number | undefined {
    return this.convolution.useBias ? this.matrices['kernel']!.outputs : undefined;
  }
}

serialization.registerClass(QuantizedConv2D);
