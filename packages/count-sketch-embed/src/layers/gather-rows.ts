import {
  customGrad,
  gather,
  mul,
  tensor,
  tensor1d,
  unsortedSegmentSum,
  zeros,
  type Tensor,
  type Tensor1D,
} from '@tensorflow/tfjs-core';

/**
 * Rows of a table `[R, …]` by number, each times its sign: `[rows.length, …]`. The gradient sums what arrives at each row.
 *
 * @param rows May be empty: the table then has a gradient of zeros, so that every weight of a layer always has one.
 * @param signs One for each row, or one for each number of the result.
 */
export function gatherRows(table: Tensor, rows: Int32Array, signs?: Float32Array): Tensor {
  const { shape } = table;
  const at = tensor1d(rows, 'int32');
  const each = signs?.length === rows.length ? shape.slice(1).fill(1) : shape.slice(1);
  const flips = signs ? [tensor(signs, [rows.length, ...each])] : [];
  const lookUp = customGrad((given, save) => {
    (save as (tensors: Tensor[]) => void)([at, ...flips]);
    return {
      value: flips.reduce((x, flip) => mul(x, flip), gather(given as Tensor, at)),
      gradFunc: (dy, saved) => {
        const [to, ...turns] = saved as [Tensor1D, ...Tensor[]];
        if (rows.length === 0) return zeros(shape);
        return unsortedSegmentSum(
          turns.reduce((x, turn) => mul(x, turn), dy),
          to,
          shape[0],
        );
      },
    };
  });
  return lookUp(table);
}
