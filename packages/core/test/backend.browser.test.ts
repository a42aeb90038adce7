import '@tensorflow/tfjs';
import { describeBackend, useBackend } from '@ockham/core/backend';
import { sparsify } from '@ockham/core/kernels';
import { mlp } from '@ockham/core/models';
import { wasmPaths } from '@ockham/vitest-config/wasm-paths';
import {
  add,
  conv2d,
  getBackend,
  grad,
  greater,
  maxPool,
  mul,
  randomUniform,
  square,
  sub,
  sum,
  tensor,
  type Rank,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';

it('auto takes wasm in a browser, with SIMD, and says so', async () => {
  const engine = await useBackend('auto', { wasmPaths });
  expect(engine).toMatchObject({ name: 'wasm', simd: true });
  expect(getBackend()).toBe('wasm');
  expect(describeBackend()).toMatch(/^wasm /);
});

it('our kernels are attached, and a sparse model predicts as the dense one', async () => {
  await useBackend('wasm', { wasmPaths });
  const model = mlp({ inputShape: [64], units: [64], classes: 4, seed: 1 });
  const kernel = model.layers[0]!.weights[0]!;
  kernel.write(mul(kernel.read(), greater(kernel.read(), 0.15))); // most weights are 0
  const { model: fast, layers, dispose } = await sparsify(model, { batch: [8], repeats: 1 });
  expect(layers[0]!.form[8]).toMatch(/rows|blocks|groups|dense/); // measured
  const x = randomUniform([8, 64], -1, 1, 'float32', 7);
  const [before, after] = [model, fast].map((m) => (m.predict(x) as Tensor).dataSync());
  after!.forEach((value, i) => expect(value).toBeCloseTo(before![i]!, 5));
  dispose();
});

it('the native engine is refused by name, with the next step', async () => {
  await expect(useBackend('tensorflow')).rejects.toMatchObject({ code: 'engine-unavailable' });
});

describe.each(['wasm', 'webgl', 'cpu'] as const)('on %s', (name) => {
  it('the gradient of a convolution to its filter agrees with a finite difference', async () => {
    await useBackend(name, { wasmPaths });
    const x = randomUniform<Rank.R4>([2, 5, 5, 2], -1, 1, 'float32', 7);
    const filter = randomUniform<Rank.R4>([3, 3, 2, 3], -1, 1, 'float32', 8);
    const direction = randomUniform<Rank.R4>([3, 3, 2, 3], -1, 1, 'float32', 9);
    const loss = (w: Tensor) => sum(square(conv2d(x, w as Tensor4D, 1, 'same')));
    const slope = (await sum(mul(grad(loss)(filter), direction)).data())[0]!;
    // the loss is quadratic in the filter, so a central difference is exact but for rounding
    const ahead = (await loss(add(filter, direction)).data())[0]!;
    const behind = (await loss(sub(filter, direction)).data())[0]!;
    expect(slope / ((ahead - behind) / 2)).toBeCloseTo(1, 3);
  });

  it('max pooling passes the gradient to the maximum of a window without a positive value', async () => {
    await useBackend(name, { wasmPaths });
    const x = tensor([-4, -2, -3, -9], [1, 2, 2, 1]);
    const dx = grad((image: Tensor) => sum(maxPool(image as Tensor4D, 2, 2, 'valid')))(x);
    expect([...(await dx.data())]).toEqual([0, 1, 0, 0]);
  });
});
