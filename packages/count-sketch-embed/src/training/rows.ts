import { concat, gather, tensor1d, type Tensor } from '@tensorflow/tfjs-core';

/** Some rows of tensors that have as many. */
export interface Rows {
  /** Those of a tensor. */
  of(tensor: Tensor): Tensor;
  /** A tensor with other values in them. */
  replaced(tensor: Tensor, values: Tensor): Tensor;
}

/** @param runs From, to (exclusive), from, to, … */
export function rowsOf(runs: Int32Array, height: number): Rows {
  const ids: number[] = [];
  const sources = Int32Array.from({ length: height }, (_, row) => row);
  for (let i = 0; i < runs.length; i += 2) {
    for (let row = runs[i]!; row < runs[i + 1]!; row++) sources[row] = height + ids.push(row) - 1;
  }
  const [rows, from] = [tensor1d(ids, 'int32'), tensor1d(sources, 'int32')];
  return {
    of: (tensor) => gather(tensor, rows),
    // a scatter takes several times as long on the native engine
    replaced: (tensor, values) => gather(concat([tensor, values]), from),
  };
}
