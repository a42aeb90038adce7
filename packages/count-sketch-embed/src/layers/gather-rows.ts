import {
  customGrad,
  gather,
  tensor1d,
  unsortedSegmentSum,
  zeros,
  type Tensor,
  type Tensor1D,
} from '@tensorflow/tfjs-core';

/**
 * Rows of a table `[R, …]` by number: `[rows.length, …]`. The gradient sums what arrives at each row.
 *
 * @param rows May be empty: the table then has a gradient of zeros, so that every weight of a layer always has one.
 */
export function gatherRows(table: Tensor, rows: Int32Array): Tensor {
  const { shape } = table;
  const at = tensor1d(rows, 'int32');
  const lookUp = customGrad((given, save) => {
    (save as (tensors: Tensor[]) => void)([at]);
    return {
      value: gather(given as Tensor, at),
      gradFunc: (dy, saved) => {
        if (rows.length === 0) return zeros(shape);
        return unsortedSegmentSum(dy, (saved as [Tensor1D])[0], shape[0]);
      },
    };
  });
  return lookUp(table);
}
