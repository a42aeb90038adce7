/** Tables of vectors whose rows stay packed and are decoded as they are looked up. */
import {
  add,
  concat,
  matMul,
  reshape,
  serialization,
  tensor,
  tensor2d,
  tidy,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { ArgumentError } from '@ockham/core';
import { QuantizedLayer, type QuantizedLayerArgs } from './quantized-layer.ts';

/** Rows that are decoded at a time where a product takes the whole table. */
const SLAB = 2048;

/** An embedding: ids `[batch, …]` to rows `[batch, …, width]` of a packed table `[ids, width]`. */
export class QuantizedEmbedding extends QuantizedLayer {
  /** @nocollapse */
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
 * against every row, some thousand rows at a time, so that never the whole table is there as floats.
 */
export class QuantizedTiedEmbedding extends QuantizedLayer {
  /** @nocollapse */
  static className = 'QuantizedTiedEmbedding';

  constructor(args: QuantizedLayerArgs) {
    super(args, 'TiedEmbedding');
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    const { rows } = this.table('embeddings');
    if (x.rank === 2) return lookUp(this, rows, x);
    const { outputs, inputs: width } = this.matrices['embeddings']!;
    return tidy(() => {
      const vectors = reshape(x, [-1, width]);
      const scores: Tensor[] = [];
      for (let from = 0; from < outputs; from += SLAB) {
        const count = Math.min(SLAB, outputs - from);
        const slab = tensor2d(rows(Array.from({ length: count }, (_, i) => from + i)), [count, width]);
        scores.push(matMul(vectors, slab, false, true));
        slab.dispose();
      }
      return reshape(scores.length === 1 ? scores[0]! : concat(scores, 1), [
        ...x.shape.slice(0, -1),
        outputs,
      ]);
    });
  }
}

/** `PositionEmbedding` of `@ockham/core/models` on a packed table `[positions, width]`. */
export class QuantizedPositionEmbedding extends QuantizedLayer {
  /** @nocollapse */
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
  const { outputs, inputs: width } = layer.matrices['embeddings']!;
  const indexes = ids.dataSync<'int32'>();
  const bad = indexes.find((id) => !(id >= 0 && id < outputs));
  if (bad !== undefined)
    throw new ArgumentError(`${layer.name}: ids must be in [0, ${outputs - 1}], got ${bad}.`);
  return tensor(rows(indexes), [...ids.shape, width]);
}

for (const each of [QuantizedEmbedding, QuantizedTiedEmbedding, QuantizedPositionEmbedding])
  serialization.registerClass(each);
