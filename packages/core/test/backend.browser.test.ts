import '@tensorflow/tfjs';
import { describeBackend, useBackend } from '@ockham/core/backend';
import { wasmPaths } from '@ockham/vitest-config/wasm-paths';
import {
  add,
  conv2d,
  getBackend,
  grad,
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
