import { engine, grad, memory, mul, softmax, sub, sum, test_util, tidy } from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { numericGradient, wholeNumbers } from './numeric-gradient.ts';

const shapes = [[6], [1, 5], [4, 3], [2, 3, 4], [2, 1, 2, 3], [3, 1]]; // prettier-ignore

it.each(shapes.map((shape) => [shape]))(
  'the gradient of softmax of %j equals a central difference',
  (shape) => {
    const before = [memory().numTensors, engine().backend.numDataIds()];
    tidy(() => {
      const x = mul(wholeNumbers(shape, 3), 0.25);
      const dy = wholeNumbers(shape, 5);
      const f = (v: Tensor): Tensor => softmax(v);
      test_util.expectArraysClose(grad(f)(x, dy).dataSync(), numericGradient(f, x, dy, 1 / 32), 4e-3);
    });
    expect([memory().numTensors, engine().backend.numDataIds()]).toEqual(before);
  },
);

it('the gradient of softmax differentiates by the gradient that it is given', () => {
  tidy(() => {
    const [x, u, g] = [1, 2, 3].map((seed) => mul(wholeNumbers([3, 4], seed), 0.5)) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    // linear in u, so that its gradient by u is the same map applied to g
    const back = (v: Tensor): Tensor => grad((z: Tensor) => softmax(z))(x, v);
    const y = softmax(x);
    const expected = mul(y, sub(g, sum(mul(g, y), -1, true)));
    test_util.expectArraysClose(grad(back)(u, g).dataSync(), expected.dataSync(), 1e-5);
  });
});
