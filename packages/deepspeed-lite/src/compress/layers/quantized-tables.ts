/** Tables of vectors whose rows stay packed and are decoded as they are looked up. */
import { add, serialization, tensor, tensor2d, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { ArgumentError } from '@ockham/core';
import type { PackedMatrix } from '@ockham/core/kernels';
import { holdProduct, type ProductMatrix } from './held-matrix.ts';
import { QuantizedLayer, type QuantizedLayerArgs } from './quantized-layer.ts';

/** An embedding: ids `[batch, …]` to rows `[batch, …, width]` of a packed table `[ids, width]`. */
export class QuantizedEmbedding extends QuantizedLayer {
  /** Names the class in saved models. @nocollapse */
  static className = 'QuantizedEmbedding';

  constructor(args: QuantizedLayerArgs) {
    super(args, 'Embedding');
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return lookUp(this, this.table('embeddings').rows, Array.isArray(inputs) ? inputs[0]! : inputs);
  }
}

/**
 * `TiedEmbedding` of `@ockham/core/models` on a packed table: looks ids up, and scores vectors `[batch, length, width]`
 * against every row by a product with the packed table.
 */
export class QuantizedTiedEmbedding extends QuantizedLayer {
  /** Names the class in saved models. @nocollapse */
  static className = 'QuantizedTiedEmbedding';

  constructor(args: QuantizedLayerArgs) {
    super(args, 'TiedEmbedding');
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    const table = this.product('embeddings');
    return x.rank === 2 ? lookUp(this, table.rows, x) : table.multiply(x, {});
  }

  protected override keepMatrix(_name: string, matrix: PackedMatrix): Promise<ProductMatrix> {
    return holdProduct(matrix);
  }
}

/** `PositionEmbedding` of `@ockham/core/models` on a packed table `[positions, width]`. */
export class QuantizedPositionEmbedding extends QuantizedLayer {
  /** Names the class in saved models. @nocollapse */
  static className = 'QuantizedPositionEmbedding';

  constructor(args: QuantizedLayerArgs) {
    super(args, 'PositionEmbedding');
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    const [, length, width] = x.shape as [number, number, number];
    const { outputs: positions } = this.matrices['embeddings']!;
    if (length > positions) {
      throw new ArgumentError(
        `${this.name}: the text must have at most ${positions} tokens, got ${length}. Cut it off.`,
      );
    }
    return tidy(() => {
      const rows = this.table('embeddings').rows(Array.from({ length }, (_, i) => i));
      return add(x, tensor2d(rows, [length, width]));
    });
  }
}

function lookUp(
  layer: QuantizedLayer,
  rows: (indexes: ArrayLike<number>) => Float32Array,
  ids: Tensor,
): Tensor {
  const { inputs: width } = layer.matrices['embeddings']!;
  return tensor(rows(ids.dataSync<'int32'>()), [...ids.shape, width]);
}

for (const each of [QuantizedEmbedding, QuantizedTiedEmbedding, QuantizedPositionEmbedding])
  serialization.registerClass(each);
