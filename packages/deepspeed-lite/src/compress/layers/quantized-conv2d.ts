import {
  add,
  conv2d,
  reshape,
  serialization,
  tensor2d,
  tidy,
  transpose,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import { fakeQuantizeActivations } from '../activation-grid.ts';
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
 * A convolution, channels last, on a packed filter `[filters, height · width · channels]`, which is decoded for the time of
 * the call: of all filters of a network one is there as floats, and only while it is used. Activations on a grid are
 * rounded to it and then multiplied as floats, which gives the sums of integers but for rounding.
 */
export class QuantizedConv2D extends QuantizedLayer {
  /** @nocollapse */
  static className = 'QuantizedConv2D';

  constructor(args: QuantizedLayerArgs) {
    super(args, 'Conv2D');
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const given = Array.isArray(inputs) ? inputs[0]! : inputs;
    return tidy(() => {
      const { kernelSize, strides, padding, dilationRate, activation } = this.convolution;
      const x = (this.activations ? fakeQuantizeActivations(given, this.activations) : given) as Tensor4D;
      const { outputs, inputs: size } = this.matrices['kernel']!;
      const filter: Tensor4D = reshape(transpose(tensor2d(this.table('kernel').dense(), [outputs, size])), [
        ...kernelSize,
        x.shape[3],
        outputs,
      ]);
      const y = conv2d(x, filter, strides, padding, 'NHWC', dilationRate);
      const bias = this.bias();
      return activation.apply(bias ? add(y, bias) : y);
    });
  }

  override weightShape(): number[] {
    const { outputs, inputs } = this.matrices['kernel']!;
    const { kernelSize } = this.convolution;
    return [...kernelSize, inputs / (kernelSize[0] * kernelSize[1]), outputs];
  }

  private get convolution(): Convolution {
    return this.origin as unknown as Convolution;
  }

  protected override biasSize(): number | undefined {
    return this.convolution.useBias ? this.matrices['kernel']!.outputs : undefined;
  }
}

serialization.registerClass(QuantizedConv2D);
