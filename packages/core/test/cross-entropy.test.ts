import { engine, getBackend, grad, memory, tensor, tidy } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { lossFunction } from '../src/training/losses.ts';

const crossEntropy = lossFunction('crossEntropy') as (target: Tensor, prediction: Tensor) => tf.Scalar;

/** Probabilities of rows, with the classes and by hand the loss of each row and its gradient at the class. */
const rows = [
  { p: [0.5, 0.25, 0.25], label: 0, loss: Math.log(2), slope: -2 },
  { p: [0.125, 0.875, 0], label: 1, loss: -Math.log(0.875), slope: -1 / 0.875 },
  { p: [1, 0, 0], label: 0, loss: 0, slope: -1 }, // both ends of the kept range are in it
  { p: [1, 0, 0], label: 2, loss: -Math.log(1e-7), slope: 0 },
  { p: [0.5, 0.5, 0], label: 3, loss: -Math.log(1e-7), slope: 0 }, // no such class
];

const cases = [
  { shape: [5], dtype: 'int32' },
  { shape: [5], dtype: 'float32' },
  { shape: [1, 5], dtype: 'int32' },
  { shape: [5, 1], dtype: 'int32' },
] as const;

it.each(cases)(
  'cross-entropy and its gradient are those by hand: classes $shape, $dtype',
  ({ shape, dtype }) => {
    const target = tensor(
      rows.map(({ label }) => label),
      [...shape],
      dtype,
    );
    const prediction = tensor(
      rows.flatMap(({ p }) => p),
      [...shape, 3],
    );
    const before = [memory().numTensors, engine().backend.numDataIds()];
    tidy(() => {
      const loss = crossEntropy(target, prediction);
      expect(loss.shape).toEqual([]);
      tf.test_util.expectNumbersClose(
        loss.dataSync()[0]!,
        rows.reduce((sum, row) => sum + row.loss, 0) / 5,
        1e-6,
      );
      const dp = grad((p: Tensor) => crossEntropy(target, p))(prediction, tf.scalar(10));
      const expected = rows.flatMap(({ label, slope }) =>
        [0, 1, 2].map((at) => (at === label ? (10 * slope) / 5 : 0)),
      );
      expect(dp.shape).toEqual([...shape, 3]);
      tf.test_util.expectArraysClose(dp.dataSync(), expected, 1e-5);
    });
    expect([memory().numTensors, engine().backend.numDataIds()]).toEqual(before);
    tf.dispose([target, prediction]);
  },
);

it('a loss of many probabilities equals the mean of its parts', () => {
  tidy(() => {
    const classes = 700;
    const prediction = tf.softmax(tf.randomNormal([100, classes], 0, 1, 'float32', 3));
    const target = tf.randomUniform([100], 0, classes, 'int32', 4);
    const [left, right] = [0, 50].map((from) => {
      const of = crossEntropy(target.slice(from, 50), prediction.slice([from, 0], [50, classes]));
      return of.dataSync()[0]!;
    }) as [number, number];
    const whole = crossEntropy(target, prediction).dataSync()[0]!;
    tf.test_util.expectNumbersClose(whole, (left + right) / 2, 1e-5);
    const dp = grad((p: Tensor) => crossEntropy(target, p))(prediction);
    const half = grad((p: Tensor) => crossEntropy(target.slice(0, 50), p))(
      prediction.slice([0, 0], [50, classes]),
    );
    const same = dp.slice([0, 0], [50, classes]).mul(2).dataSync();
    tf.test_util.expectArraysClose(half.dataSync(), same, 1e-3);
  });
});

it('a gradient of the gradient of cross-entropy is refused, not wrong', () => {
  tidy(() => {
    const prediction = tensor([0.5, 0.25, 0.25, 0.125, 0.875, 0], [2, 3]);
    const target = tensor([0, 1], [2], 'int32');
    const first = (v: Tensor): Tensor => grad((p: Tensor) => crossEntropy(target, p))(v);
    expect(() => grad((v: Tensor) => first(v).sum())(prediction)).toThrow(/gradient function not found/);
  });
});

// The stock wasm engine clips NaN to the lower bound.
it.skipIf(getBackend() === 'wasm')('a probability that is no number makes the loss none', () => {
  tidy(() => {
    const loss = crossEntropy(tensor([1], [1], 'int32'), tensor([NaN, NaN], [1, 2]));
    expect(loss.dataSync()[0]).toBeNaN();
  });
});
