import { conv2d, fused, tensor1d, tensor4d } from '@tensorflow/tfjs';
import { expect, it } from 'vitest';

// 4 rows of 3 pixels; the filter is 1 high and 2 wide, so that the stride of 2 exceeds it downwards.
const x = (): ReturnType<typeof tensor4d> => tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [1, 4, 3, 1]);
const filter = (): ReturnType<typeof tensor4d> => tensor4d([1, 10], [1, 2, 1, 1]);

it('a stride above the filter’s size with same padding skips rows', () => {
  expect(Array.from(conv2d(x(), filter(), [2, 1], 'same').dataSync())).toEqual([21, 32, 3, 87, 98, 9]);
});

it('so does a convolution fused with its bias and activation', () => {
  const y = fused.conv2d({
    x: x(),
    filter: filter(),
    strides: [2, 1],
    pad: 'same',
    bias: tensor1d([-10]),
    activation: 'relu',
  });
  expect(Array.from(y.dataSync())).toEqual([11, 22, 0, 77, 88, 0]);
});
