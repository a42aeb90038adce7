import { tensor, type Tensor } from '@tensorflow/tfjs-core';
import { valuesPerExample, type Column, type Split } from '../dataset.ts';

/** One batch as tensors, owned by the caller. */
export interface Batch {
  /** `[batch, ...shape]`, float32, scaled. */
  readonly x: Tensor;
  /** `[batch, ...shape]`; int32 for class indexes. */
  readonly y: Tensor;
}

/** The examples at `indexes` as tensors; the caller disposes of them. */
export function batchOf(split: Split, indexes: ArrayLike<number>): Batch {
  return { x: columnTensor(split.x, indexes), y: columnTensor(split.y, indexes) };
}

/** The examples `from` … `to − 1` as tensors; the caller disposes of them. */
export function batchRange(split: Split, from: number, to: number): Batch {
  return batchOf(
    split,
    Int32Array.from({ length: to - from }, (_, i) => from + i),
  );
}

function columnTensor(column: Column, indexes: ArrayLike<number>): Tensor {
  const width = valuesPerExample(column);
  const scale = column.scale ?? 1;
  const source = column.values;
  const integers = source instanceof Int32Array && scale === 1;
  const values = integers ? new Int32Array(indexes.length * width) : new Float32Array(indexes.length * width);
  for (let row = 0, to = 0; row < indexes.length; row++) {
    const from = indexes[row]! * width;
    if (scale === 1) values.set(source.subarray(from, from + width), to);
    else for (let i = 0; i < width; i++) values[to + i] = source[from + i]! * scale;
    to += width;
  }
  return tensor(values, [indexes.length, ...column.shape], integers ? 'int32' : 'float32');
}
