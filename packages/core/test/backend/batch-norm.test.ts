import { engine, layers, memory, tensor, test_util, tidy, variableGrads } from '@tensorflow/tfjs';
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { numericGradient, wholeNumbers } from './numeric-gradient.ts';

const shapes = [[4, 3], [2, 3, 2], [2, 3, 2, 3], [1, 1, 1, 2]]; // prettier-ignore
const momentum = 0.75;

function made(shape: number[]): ReturnType<typeof layers.batchNormalization> {
  const layer = layers.batchNormalization({ momentum, epsilon: 0.125 });
  layer.build(shape);
  const channels = shape.at(-1)!;
  tidy(() => {
    const rows = [[1.5, -2, 0.5], [0.25, 1, -1], [3, 0, 1], [2, 5, 1]]; // prettier-ignore
    layer.setWeights(rows.map((row) => tensor(row.slice(0, channels))));
  });
  return layer;
}

it.each(shapes)(
  'batch normalisation of [%j, %j, …] in training moves the averages towards the moments',
  (...shape) => {
    const layer = made(shape);
    const channels = shape.at(-1)!;
    const x = wholeNumbers(shape, 3);
    const values = x.dataSync<'float32'>();
    const count = values.length / channels;
    tidy(() => {
      const y = layer.apply(x, { training: true }) as Tensor;
      expect(y.shape).toEqual(shape);
      const [, , means, variances] = layer.getWeights().map((w) => w.dataSync());
      for (let c = 0; c < channels; c++) {
        const column = values.filter((_, i) => i % channels === c);
        const mean = column.reduce((sum, v) => sum + v, 0) / count;
        const variance = column.reduce((sum, v) => sum + (v - mean) ** 2, 0) / count;
        test_util.expectNumbersClose(means![c]!, momentum * [3, 0, 1][c]! + (1 - momentum) * mean);
        test_util.expectNumbersClose(variances![c]!, momentum * [2, 5, 1][c]! + (1 - momentum) * variance);
        const expected = (i: number): number =>
          ((values[i]! - mean) / Math.sqrt(variance + 0.125)) * [1.5, -2, 0.5][c]! + [0.25, 1, -1][c]!;
        for (let i = c; i < values.length; i += channels)
          test_util.expectNumbersClose(y.dataSync()[i]!, expected(i));
      }
    });
    for (const weight of layer.weights) weight.dispose();
  },
);

it.each(shapes.slice(0, 3))(
  'its gradients by [%j, %j, …] equal central differences, and leave nothing behind',
  (...shape) => {
    const layer = made(shape);
    const x = tidy(() => wholeNumbers(shape, 4).div(4).variable());
    const seed = wholeNumbers(shape, 5);
    const f = (v: Tensor): Tensor => layer.apply(v, { training: true }) as Tensor;
    const before = [memory().numTensors, engine().backend.numDataIds()];
    tidy(() => {
      const { grads } = variableGrads(() => f(x).mul(seed).sum<Scalar>(), [x]);
      test_util.expectArraysClose(grads[x.name]!.dataSync(), numericGradient(f, x, seed, 1 / 64), 2e-2);
    });
    expect([memory().numTensors, engine().backend.numDataIds()]).toEqual(before);
    for (const weight of layer.weights) weight.dispose();
    for (const owner of [x, seed]) owner.dispose();
  },
);
