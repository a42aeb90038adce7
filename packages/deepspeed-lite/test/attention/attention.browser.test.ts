import '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend';
import { Random } from '@ockham/core/random';
import { grads, memory, tensor, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { wasmPaths } from '@ockham/vitest-config/wasm-paths';
import { expect, it } from 'vitest';
import {
  attentionPath,
  blockLayout,
  sparseAttention,
  type AttentionPath,
} from '../../src/attention/index.ts';

const LENGTH = 600;
const layout = blockLayout({ kind: 'longformer', block: 16 }, { length: LENGTH, heads: 2 });

const normal = (seed: number): Tensor => {
  const random = new Random(seed);
  return tensor(
    Float32Array.from({ length: 2 * LENGTH * 8 }, () => random.normal()),
    [2, LENGTH, 8],
  );
};

/** The output, and the gradients of queries, keys and values. */
const run = (path: AttentionPath['path']): Tensor[] => {
  const [q, k, v, dy] = [1, 2, 3, 4].map(normal) as [Tensor, Tensor, Tensor, Tensor];
  const visible = Float32Array.from({ length: 2 * LENGTH }, (_, i) => Number(i < 2 * LENGTH - 40));
  const keyPaddingMask = tensor(visible, [2, LENGTH]);
  const f = (q: Tensor, k: Tensor, v: Tensor): Tensor =>
    sparseAttention(q, k, v, layout, { path, keyPaddingMask });
  return [f(q, k, v), ...grads(f)([q, k, v], dy)];
};

const apart = (a: Tensor, b: Tensor): number => {
  const [x, y] = [a.dataSync<'float32'>(), b.dataSync<'float32'>()];
  return x.reduce((most, value, i) => Math.max(most, Math.abs(value - y[i]!)), 0);
};

it.each([
  ['wasm', 'kernel'],
  ['webgl', 'blocks'],
] as const)('on %s attention goes by the %s and equals masked dense attention', async (engine, way) => {
  await useBackend(engine, { wasmPaths });
  expect(attentionPath(layout).path).toBe(way);
  const before = memory().numTensors;
  tidy(() => {
    const wanted = run('dense');
    for (const [i, x] of run(way).entries()) expect(apart(x, wanted[i]!)).toBeLessThan(i === 0 ? 1e-5 : 1e-4);
  });
  expect(memory().numTensors).toBe(before);
});
