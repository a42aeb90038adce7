import type { PackedMatrix } from '@ockham/core/kernels';
import { add, reshape, serialization, tidy, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { fakeQuantizeActivations } from '../activation-grid.ts';
import { holdProduct, type ProductMatrix } from './held-matrix.ts';
import { QuantizedLayer, type QuantizedLayerArgs } from './quantized-layer.ts';

/** Activations that the product applies itself. */
const FUSED: Readonly<Record<string, 'linear' | 'relu' | 'gelu'>> = {
  linear: 'linear',
  relu: 'relu',
  gelu: 'gelu',
};

/**
 * A dense layer on a packed kernel `Wᵀ` `[units, inputs]`: activation(x W + b), or with a low-rank compensation
 * activation(x W + (x D) U + b), D and U packed too. The bias stays a variable.
 *
 * With dynamic activations every token is rounded to int8 by its own scale and the sums are those of integers; with
 * static ones it is rounded to the grid that was calibrated.
 */
export class QuantizedDense extends QuantizedLayer {
  /** @nocollapse */
  static className = 'QuantizedDense';

  constructor(args: QuantizedLayerArgs) {
    super(args, 'Dense');
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const given = Array.isArray(inputs) ? inputs[0]! : inputs;
    return tidy(() => {
      const { inputs: width, outputs: units } = this.matrices['kernel']!;
      const isStatic = this.activations?.kind === 'static';
      const activations = this.activations?.kind === 'dynamic' ? 'int8' : 'float32';
      const x = isStatic ? fakeQuantizeActivations(given, this.activations) : given;
      const rows: Tensor2D = reshape(x, [-1, width]);
      const { activation } = this.origin as unknown as { activation: Activation };
      const fused = this.matrices['down'] ? undefined : FUSED[activation.getClassName()];
      const bias = this.bias();
      const options = { ...(bias && { bias }), activation: fused ?? 'linear', activations } as const;
      const product = this.product('kernel').multiply(rows, options);
      const y = reshape(this.compensated(rows, product), [...given.shape.slice(0, -1), units]);
      return fused === undefined ? activation.apply(y) : y;
    });
  }

  private compensated(rows: Tensor2D, product: Tensor2D): Tensor2D {
    if (!this.matrices['down']) return product;
    const plain = { activation: 'linear', activations: 'float32' } as const;
    const few = this.product('down').multiply(rows, plain); // [rows, rank]
    return add(product, this.product('up').multiply(few, plain));
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
