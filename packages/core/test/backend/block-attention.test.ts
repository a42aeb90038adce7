import '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { backend, engine, getBackend, memory, tensor, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { useBackend } from '@ockham/core/backend/node';
import {
  BLOCK_ATTENTION,
  BLOCK_ATTENTION_GRADIENT,
  blockRowsOf,
  type BlockAttentionAttrs,
} from '@ockham/core/kernels';
import { blockAttentionKernels } from '../../src/backend/wasm-kernels/block-attention.ts';
import { drawOf } from '../../src/kernels/attention/dropout-draw.ts';
import { blockAttentionGradientTwin, blockAttentionTwin } from '../../src/kernels/twins/block-attention.ts';

const before = getBackend() as 'wasm';
beforeAll(() => useBackend('wasm'));
afterAll(() => useBackend(before));

const SHAPE = [2, 3, 10, 4]; // batch, heads, length, depth
const SIZE = 240;
const values = (seed: number): Float32Array =>
  Float32Array.from({ length: SIZE }, (_, i) => drawOf(seed, i, 1) / 2 ** 31 - 1);
const given = { q: values(1), k: values(2), v: values(3) };
const dOut = values(4);
const visible = Float32Array.from({ length: 20 }, (_, i) => Number(i % 7 !== 3));
const rows = blockRowsOf([[0], [0, 1], [0, 2], [0], [1], [1, 2], [], [0, 1, 2], [2]], 3, 4); // three heads, three blocks
const attrs: BlockAttentionAttrs = { rows, heads: 3, scale: 0.5, causal: false, rate: 0.25, seed: 9 };

function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a, (value, i) => Math.abs(value - b[i]!)).reduce((most, gap) => Math.max(most, gap), 0);
}

/** Outputs and gradients by the kernels of an engine. */
function run(runKernel: (name: string, inputs: Record<string, Tensor>) => Tensor[]): Float32Array[] {
  return tidy(() => {
    const [q, k, v, d] = [given.q, given.k, given.v, dOut].map((x) => tensor(x, SHAPE)) as [Tensor, Tensor, Tensor, Tensor]; // prettier-ignore
    const inputs = { q, k, v, visible: tensor(visible, [2, 10]) };
    const [out, stats] = runKernel(BLOCK_ATTENTION, inputs) as [Tensor, Tensor];
    const gradients = runKernel(BLOCK_ATTENTION_GRADIENT, { ...inputs, out, stats, dOut: d });
    return [out, ...gradients].map((x) => x.dataSync<'float32'>().slice());
  });
}

const wanted = (): Float64Array[] => {
  const inputs = { ...given, visible };
  const { dq, dk, dv } = blockAttentionGradientTwin(inputs, dOut, SHAPE, attrs);
  return [blockAttentionTwin(inputs, SHAPE, attrs).out, dq, dk, dv];
};

it('the wasm engine attends by blocks where its tensors are, heads before tokens, and leaks nothing', () => {
  const held = memory().numTensors;
  const got = run((name, inputs) => engine().runKernel(name, inputs, { ...attrs } as never));
  for (const [i, x] of wanted().entries()) expect(apart(x, got[i]!)).toBeLessThan(1e-5);
  expect(memory().numTensors).toBe(held);
});

it('an engine without SIMD attends by plain loops', async () => {
  await useBackend('cpu'); // has no kernels attached, and memory that can be read
  const kernelOf = new Map(
    blockAttentionKernels.map(({ kernelName, kernelFunc }) => [kernelName, kernelFunc]),
  );
  const got = run((name, inputs) => {
    const made = kernelOf.get(name)!({ inputs, attrs: attrs as never, backend: backend() });
    return [made].flat().map((info) => engine().makeTensorFromTensorInfo(info));
  });
  await useBackend('wasm');
  for (const [i, x] of wanted().entries()) expect(apart(x, got[i]!)).toBeLessThan(1e-6);
});
