import { fused, matMul, memory, tidy } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { wholeNumbers } from './numeric-gradient.ts';

const after = {
  linear: (x: tf.Tensor) => x,
  relu: tf.relu,
  relu6: tf.relu6,
  elu: tf.elu,
  sigmoid: tf.sigmoid,
  leakyrelu: (x: tf.Tensor) => tf.leakyRelu(x, 0.3),
  prelu: (x: tf.Tensor) => tf.prelu(x, tf.tensor1d([0.1, 0.2, 0.3, 0.4])),
} as const;

it.each(Object.keys(after) as (keyof typeof after)[])(
  'a fused product adds each column its bias, whatever is transposed, then comes %s',
  (activation) => {
    const before = memory().numTensors;
    for (const rows of [3, 40]) {
      for (const [transposeA, transposeB] of [
        [false, false],
        [false, true],
        [true, false],
        [true, true],
      ] as const) {
        // prettier-ignore
        tidy(() => {
          const a = tf.mul<tf.Tensor3D>(wholeNumbers(transposeA ? [2, 5, rows] : [2, rows, 5], 1), 0.25);
          const b = tf.mul<tf.Tensor3D>(wholeNumbers(transposeB ? [2, 4, 5] : [2, 5, 4], 2), 0.5);
          const bias = tf.tensor1d([1, -2, 3, 0.5]);
          const weights = activation === 'prelu' && { preluActivationWeights: tf.tensor1d([0.1, 0.2, 0.3, 0.4]) }; // prettier-ignore
          const leaky = activation === 'leakyrelu' && { leakyreluAlpha: 0.3 };
          const product = fused.matMul({ a, b, transposeA, transposeB, bias, activation, ...weights, ...leaky }); // prettier-ignore
          const wanted = after[activation](matMul(a, b, transposeA, transposeB).add(bias));
          expect(product.shape).toEqual(wanted.shape);
          const [values, expected] = [product.dataSync(), wanted.dataSync()];
          for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
        });
      }
    }
    expect(memory().numTensors).toBe(before);
  },
);
