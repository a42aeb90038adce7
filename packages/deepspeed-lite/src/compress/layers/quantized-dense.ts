import type { PackedMatrix, QuantizedMatMulOptions } from '@ockham/core/kernels';
import { add, serialization, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { fakeQuantizeActivations } from '../activation-grid.ts';
import { holdProduct, type ProductMatrix } from './held-matrix.ts';
import { QuantizedLayer, type QuantizedLayerArgs } from './quantized-layer.ts';

/** Activations that the product applies itself. */
const FUSED: Readonly<Record<string, NonNullable<QuantizedMatMulOptions['activation']>>> = {
  linear: 'linear',
  relu: 'relu',
  gelu: 'gelu',
  gelu_new: 'gelu-tanh',
};

/**
 * A dense layer on a packed kernel `Wᵀ` `[units, inputs]`: activation(x W + b), or with a low-rank compensation
 * activation(x W + (x D) U + b), D and U packed too. The bias stays a variable.
 *
 * With dynamic activations every token is rounded to int8 by its own scale and the sums are those of integers; with
 * static ones it is rounded to the grid that was calibrated.
 */
export class QuantizedDense extends QuantizedLayer {
  /** Names the class in saved models. @nocollapse */
  static className = 'QuantizedDense';

  constructor(args: QuantizedLayerArgs) {
    super(args, 'Dense');
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const given = Array.isArray(inputs) ? inputs[0]! : inputs;
    const { activation } = this.origin as unknown as { activation: Activation };
    const isStatic = this.activations?.kind === 'static';
    const activations = this.activations?.kind === 'dynamic' ? 'int8' : 'float32';
    const fused = this.matrices['down'] ? undefined : FUSED[activation.getClassName()];
    const bias = this.bias();
    return tidy(() => {
      const x = isStatic ? fakeQuantizeActivations(given, this.activations) : given;
      const options = { ...(bias && { bias }), activation: fused ?? 'linear', activations } as const;
      const y = this.compensated(x, this.product('kernel').multiply(x, options));
      return fused === undefined ? activation.apply(y) : y;
    });
  }

  private compensated(x: Tensor, y: Tensor): Tensor {
    if (!this.matrices['down']) return y;
    const few = this.product('down').multiply(x, {}); // [..., rank]
    return add(y, this.product('up').multiply(few, {}));
  }

  protected override keepMatrix(_name: string, matrix: PackedMatrix): Promise<ProductMatrix> {
    return holdProduct(matrix);
  }

  protected override biasSize(): number | undefined {
    const { useBias } = this.origin as unknown as { useBias: boolean };
    return useBias ? this.matrices['kernel']!.outputs : undefined;
  }
}

/** A layer's activation function. */
export interface Activation {
  getClassName(): string;
  apply(x: Tensor): Tensor;
}

serialization.registerClass(QuantizedDense);
