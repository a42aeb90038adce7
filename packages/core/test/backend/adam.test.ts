import { engine, memory, tensor1d, tidy, train, variable, variableGrads } from '@tensorflow/tfjs';
import type { Optimizer, Scalar, Variable } from '@tensorflow/tfjs';
import { expect, it } from 'vitest';

const start = [0.5, -2, 3];
const slopes = [1, -4, 1e-3];

/** Adam as its paper writes it, for constant gradients. */
function expected(steps: number): number[] {
  const [rate, b1, b2, epsilon] = [0.1, 0.9, 0.999, 1e-7];
  return start.map((value, i) => {
    let [x, m, v] = [value, 0, 0];
    for (let t = 1; t <= steps; t++) {
      m = b1 * m + (1 - b1) * slopes[i]!;
      v = b2 * v + (1 - b2) * slopes[i]! ** 2;
      x -= (rate * (m / (1 - b1 ** t))) / (Math.sqrt(v / (1 - b2 ** t)) + epsilon);
    }
    return x;
  });
}

function step(optimizer: Optimizer, x: Variable): void {
  tidy(() => {
    const { grads } = variableGrads(() => x.mul(tensor1d(slopes)).sum<Scalar>(), [x]);
    optimizer.applyGradients(grads);
  });
}

it('Adam goes where its paper says', () => {
  const optimizer = train.adam(0.1, 0.9, 0.999, 1e-7);
  const x = variable(tensor1d(start));
  for (let t = 1; t <= 7; t++) {
    step(optimizer, x);
    const [values, wanted] = [x.dataSync(), expected(t)];
    for (let i = 0; i < 3; i++) expect(Math.abs(values[i]! - wanted[i]!)).toBeLessThan(1e-5);
  }
  optimizer.dispose();
  x.dispose();
});

it('a step changes neither the values that a variable was made of nor a copy of it', () => {
  const values = Float32Array.from(start);
  const optimizer = train.adam(0.1);
  const x = variable(tensor1d(values));
  step(optimizer, x);
  expect(Array.from(values)).toEqual(start);
  const copy = x.clone();
  const flat = x.reshape([3, 1]);
  const held = Array.from(copy.dataSync());
  step(optimizer, x);
  expect(Array.from(copy.dataSync())).toEqual(held);
  expect(Array.from(flat.dataSync())).toEqual(held);
  expect(Array.from(x.dataSync())).not.toEqual(held);
  for (const owner of [optimizer, x, copy, flat]) owner.dispose();
});

it('steps leave nothing behind but the moments, and those go with the optimizer', () => {
  const x = tidy(() => variable(tensor1d(start)));
  const before = [memory().numTensors, engine().backend.numDataIds()];
  const optimizer = train.adam(0.1);
  step(optimizer, x);
  const held = [memory().numTensors, engine().backend.numDataIds()];
  for (let t = 0; t < 5; t++) step(optimizer, x);
  expect([memory().numTensors, engine().backend.numDataIds()]).toEqual(held);
  optimizer.dispose();
  expect([memory().numTensors, engine().backend.numDataIds()]).toEqual(before);
  x.dispose();
});
