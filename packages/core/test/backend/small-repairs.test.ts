import fc from 'fast-check';
import {
  cast,
  engine,
  gather,
  grad,
  matMul,
  memory,
  oneHot,
  relu,
  relu6,
  reshape,
  tensor,
  tensor1d,
  tensor2d,
  tidy,
  transpose,
  unsortedSegmentSum,
} from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import { expect, it } from 'vitest';

const numbers = [-2, -0.5, 0, 0.5, 3, 6, 7];

it('rows are looked up in any order and shape', () => {
  const x = tensor(Array.from({ length: 24 }, (_, i) => i), [4, 2, 3]); // prettier-ignore
  const rows = gather(x, tensor2d([[3, 0], [1, 3]], [2, 2], 'int32')); // prettier-ignore
  expect(rows.shape).toEqual([2, 2, 2, 3]);
  const expected = [3, 0, 1, 3].flatMap((row) => Array.from({ length: 6 }, (_, i) => 6 * row + i));
  expect(Array.from(rows.dataSync())).toEqual(expected);
  expect(gather(x, tensor1d([], 'int32')).shape).toEqual([0, 2, 3]);
  expect(Array.from(gather(x, tensor1d([1], 'int32'), 2).dataSync())).toEqual([1, 4, 7, 10, 13, 16, 19, 22]);
});

it('relu and relu6 cut off, and let NaN through', () => {
  const x = tensor1d([-Infinity, -2, -0, 0.5, 7, NaN, Infinity]);
  const cut = [relu(x), relu6(x)].map((y) => Array.from(y.dataSync(), (v) => v + 0));
  expect(cut).toEqual([
    [0, 0, 0, 0.5, 7, NaN, Infinity],
    [0, 0, 0, 0.5, 6, NaN, 6],
  ]);
});

it('the gradient of relu is 1 above 0 and 0 elsewhere', () => {
  const dx = grad((x: Tensor) => relu(x))(tensor1d(numbers), tensor1d([1, 2, 3, 4, 5, 6, 7]));
  expect(Array.from(dx.dataSync(), (v) => v + 0)).toEqual([0, 0, 0, 4, 5, 6, 7]);
});

it('the gradient of relu6 is 1 between 0 and 6', () => {
  const dx = grad((x: Tensor) => relu6(x))(tensor1d([-2, 0.5, 3, 7]));
  expect(Array.from(dx.dataSync(), (v) => v + 0)).toEqual([0, 1, 1, 0]);
});

it('relu differentiates twice', () => {
  const first = grad((x: Tensor) => relu(x).square());
  const second = grad((x: Tensor) => first(x));
  expect(Array.from(second(tensor1d([-1, 2])).dataSync(), (v) => v + 0)).toEqual([0, 2]);
});

it('the gradient of gather adds up rows that are taken more than once', () => {
  const table = tensor([1, 2, 3, 4, 5, 6], [3, 2]);
  const rows = tensor1d([2, 0, 2, 2], 'int32');
  const dTable = grad((t: Tensor) => gather(t, rows))(table, tensor([1, 10, 2, 20, 4, 40, 8, 80], [4, 2]));
  expect(Array.from(dTable.dataSync())).toEqual([2, 20, 0, 0, 13, 130]);
});

it('unsortedSegmentSum drops ids outside of the segments', () => {
  const sums = tidy(() => unsortedSegmentSum(tensor2d([1, 2, 3], [3, 1]), tensor1d([1, -1, 1], 'int32'), 2));
  expect(Array.from(sums.dataSync())).toEqual([0, 4]);
});

it('whatever is not 0 casts to true', () => {
  const truth = cast(tensor1d([0.5, -2, 0, 256, 1e-9, NaN]), 'bool');
  expect(Array.from(truth.dataSync())).toEqual([1, 1, 0, 1, 1, 1]);
  expect(Array.from(cast(tensor1d([256, 0], 'int32'), 'bool').dataSync())).toEqual([1, 0]);
});

it.each(['float32', 'int32'] as const)('one-hot of dtype %s holds the on and off values', (dtype) => {
  const values = oneHot(tensor1d([2, 0], 'int32'), 3, 5, -1, dtype).dataSync();
  expect(Array.from(values)).toEqual([-1, -1, 5, 5, -1, -1]);
});

it('a matrix, as given or transposed, times a matrix is the sum of products', () => {
  const size = fc.integer({ min: 0, max: 9 });
  fc.assert(
    fc.property(size, size, size, fc.boolean(), fc.boolean(), (m, k, n, transposeA, transposeB) => {
      const a = Array.from({ length: m * k }, (_, i) => (i % 7) - 3);
      const b = Array.from({ length: k * n }, (_, i) => (i % 5) - 2);
      const [left, right] = [
        tensor2d(a, transposeA ? [k, m] : [m, k]),
        tensor2d(b, transposeB ? [n, k] : [k, n]),
      ];
      const product = matMul(left, right, transposeA, transposeB);
      expect(product.shape).toEqual([m, n]);
      const wanted = Array.from({ length: m * n }, (_, at) => {
        const [r, c] = [Math.floor(at / n), at % n];
        let sum = 0;
        for (let i = 0; i < k; i++)
          sum += a[transposeA ? i * m + r : r * k + i]! * b[transposeB ? c * k + i : i * n + c]!;
        return sum;
      });
      expect(Array.from(product.dataSync(), (v) => v + 0)).toEqual(wanted.map((v) => v + 0));
      for (const used of [left, right, product]) used.dispose();
    }),
    { numRuns: 200, seed: 7 },
  );
});

it('a reshape, cast or transpose that changes nothing outlives what it is of, and leaves nothing behind', () => {
  const before = [memory().numTensors, engine().backend.numDataIds()];
  for (const same of [
    (x: Tensor) => reshape(x, [2, 1, 3]),
    (x: Tensor) => cast(x, 'float32'),
    (x: Tensor) => transpose(x, [0, 1, 2]),
    (x: Tensor) => transpose(x, [1, 0, 2]), // of the axis of one
  ]) {
    const x = tensor([1, 2, 3, 4, 5, 6], [2, 1, 3]);
    const y = same(x);
    x.dispose();
    expect(Array.from(y.dataSync())).toEqual([1, 2, 3, 4, 5, 6]);
    y.dispose();
  }
  expect([memory().numTensors, engine().backend.numDataIds()]).toEqual(before);
});
