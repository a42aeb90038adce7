import {
  elu,
  engine,
  getBackend,
  grad,
  leakyRelu,
  memory,
  relu,
  relu6,
  sigmoid,
  softplus,
  sum,
  tanh,
  tensor,
  tensor2d,
  test_util,
  tidy,
} from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { numericGradient, wholeNumbers } from './numeric-gradient.ts';

const activations = [
  { name: 'relu', f: (x: Tensor) => relu(x) },
  { name: 'relu6', f: (x: Tensor) => relu6(x) },
  { name: 'elu', f: (x: Tensor) => elu(x) },
  { name: 'leaky relu', f: (x: Tensor) => leakyRelu(x, 0.25) },
  { name: 'sigmoid', f: (x: Tensor) => sigmoid(x) },
  { name: 'tanh', f: (x: Tensor) => tanh(x) },
  { name: 'softplus', f: (x: Tensor) => softplus(x) },
];
// Away from the corners at 0 and 6.
const numbers = [-3, -1.25, -0.5, 0.5, 0.75, 2, 3.5, 7];

it.each(activations)('the gradient of $name equals a central difference', ({ f }) => {
  tidy(() => {
    const x = tensor(numbers, [2, 4]);
    const dy = wholeNumbers([2, 4], 5);
    const dx = grad(f)(x, dy);
    test_util.expectArraysClose(dx.dataSync(), numericGradient(f, x, dy, 1 / 64), 2e-3);
  });
});

// Stock gradients that rest on the output, as of sigmoid, or on a comparison do not.
const twice =
  getBackend() === 'tensorflow' ? ['relu', 'relu6', 'leaky relu', 'softplus'] : ['relu', 'softplus'];

it.each(activations.filter(({ name }) => twice.includes(name)))('$name differentiates twice', ({ f }) => {
  tidy(() => {
    const x = tensor(numbers, [2, 4]);
    const dy = wholeNumbers([2, 4], 6);
    const first = (v: Tensor): Tensor => grad((u: Tensor) => f(u).square())(v);
    const second = grad(first)(x, dy);
    test_util.expectArraysClose(second.dataSync(), numericGradient(first, x, dy, 1 / 64), 3e-2);
  });
});

it.each(activations)('the gradient of $name leaves nothing behind', ({ f }) => {
  const x = tensor(numbers, [2, 4]);
  const before = [memory().numTensors, engine().backend.numDataIds()];
  tidy(() => void grad(f)(x));
  expect([memory().numTensors, engine().backend.numDataIds()]).toEqual(before);
});

it('the sum over all axes but the last adds up rows', () => {
  tidy(() => {
    const x = tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    expect(Array.from(sum(x, 0).dataSync())).toEqual([9, 12]);
    expect(sum(x, 0, true).shape).toEqual([1, 2]);
    const y = wholeNumbers([2, 3, 4, 5], 2);
    const expected = new Float32Array(5);
    y.dataSync().forEach((value, i) => (expected[i % 5]! += value));
    expect(Array.from(sum(y, [2, 0, 1]).dataSync())).toEqual(Array.from(expected));
    expect(Array.from(sum(y.cast('int32'), [0, 1, 2]).dataSync())).toEqual(Array.from(expected));
    expect(sum(y, [0, 1, 2]).dtype).toBe('float32');
  });
});
