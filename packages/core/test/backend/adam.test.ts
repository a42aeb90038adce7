import { engine, getBackend, memory, randomNormal, tensor1d, tidy, train } from '@tensorflow/tfjs';
import { variable, variableGrads } from '@tensorflow/tfjs';
import type { Optimizer, Scalar, Tensor, Variable } from '@tensorflow/tfjs';
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

it('variables of several shapes step together as each does alone', () => {
  const shapes = [[3], [2, 5], [], [4, 1, 2]];
  const made = (i: number): Variable => variable(randomNormal(shapes[i]!, 0, 1, 'float32', i + 1));
  const gradient = (i: number, t: number): Tensor => randomNormal(shapes[i]!, 0, 1, 'float32', 10 * t + i);
  const [together, alone] = [shapes.map((_, i) => made(i)), shapes.map((_, i) => made(i))];
  const all = train.adam(0.1);
  const each = shapes.map(() => train.adam(0.1));
  for (let t = 1; t <= 3; t++) {
    all.applyGradients(together.map(({ name }, i) => ({ name, tensor: gradient(i, t) })));
    alone.forEach(({ name }, i) => each[i]!.applyGradients([{ name, tensor: gradient(i, t) }]));
    for (const i of shapes.keys()) expect(together[i]!.dataSync()).toEqual(alone[i]!.dataSync());
  }
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

it.runIf(getBackend() === 'wasm')('on wasm a step has the bits of the operations that it stands for', () => {
  const optimizer = train.adam(0.01, 0.8, 0.99, 1e-6);
  const x = variable(randomNormal([1003], 0, 1, 'float32', 1));
  let [w, m, v, power1, power2] = [x.clone(), x.mul(0), x.mul(0), tensor1d([0.8]), tensor1d([0.99])];
  for (let t = 1; t <= 3; t++) {
    const g = randomNormal([1003], 0, 1, 'float32', 10 + t);
    [w, m, v, power1, power2] = tidy(() => {
      const first = m.mul(0.8).add(g.mul(1 - 0.8));
      const second = v.mul(0.99).add(g.square().mul(1 - 0.99));
      const root = second
        .div(tensor1d([1]).sub(power2))
        .sqrt()
        .add(1e-6);
      const moved = first
        .div(tensor1d([1]).sub(power1))
        .div(root)
        .mul(-0.01)
        .add(w);
      return [moved, first, second, power1.mul(0.8), power2.mul(0.99)] as const;
    }) as [typeof w, typeof m, typeof v, typeof power1, typeof power2];
    optimizer.applyGradients([{ name: x.name, tensor: g }]);
    expect(x.dataSync()).toEqual(w.dataSync());
  }
});

it('moments that are held elsewhere are copied before they change', async () => {
  const optimizer = train.adam(0.1);
  const x = variable(tensor1d(start));
  step(optimizer, x);
  const kept = (await optimizer.getWeights()).map(({ tensor }) => tensor.clone());
  const values = kept.map((tensor) => Array.from(tensor.dataSync()));
  step(optimizer, x);
  expect(kept.map((tensor) => Array.from(tensor.dataSync()))).toEqual(values);
});
