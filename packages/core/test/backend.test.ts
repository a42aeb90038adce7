import {
  getBackend,
  getGradient,
  getKernel,
  layers,
  matMul,
  memory,
  sequential,
  tensor2d,
  train,
} from '@tensorflow/tfjs';
import { useBackend as useBackendAnywhere } from '@ockham/core/backend';
import {
  describeBackend,
  installRepairs,
  nativeFolder,
  nativeVersion,
  useBackend,
} from '@ockham/core/backend/node';
import type { EngineName } from '@ockham/core/backend/node';
import { join, resolve } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { chooseBackend } from '../src/backend/choose.ts';
import type { Platform } from '../src/backend/choose.ts';
import { loadWasm } from '../src/backend/loaders.ts';

const chosen = getBackend() as Exclude<EngineName, 'auto'>;

afterEach(async () => {
  vi.unstubAllEnvs();
  await useBackend(chosen);
});

// before any other, since an engine that is in place needs no wait
it('several calls at once all get their engine; the last one decides', async () => {
  const infos = await Promise.all([useBackend('wasm'), useBackend('cpu'), useBackend('wasm')]);
  expect(infos.map(({ name }) => name)).toEqual(['wasm', 'cpu', 'wasm']);
  expect(getBackend()).toBe('wasm');
});

it('the engine asked for is the engine in use', async () => {
  const info = await useBackend('wasm');
  expect(getBackend()).toBe('wasm');
  expect(info).toMatchObject({ name: 'wasm', version: '4.22.0', simd: true, threads: 1 });
  expect(describeBackend()).toBe('wasm 4.22.0, SIMD, 1 thread: the package @tensorflow/tfjs-backend-wasm');
});

it('the cpu engine is set where the application imports it', async () => {
  expect(await useBackend('cpu')).toEqual({
    name: 'cpu',
    reason: 'registered by @tensorflow/tfjs-backend-cpu',
  });
  expect(Array.from(matMul(tensor2d([[2]]), tensor2d([[3]])).dataSync())).toEqual([6]);
});

const refuses = (why: string) => () => Promise.reject(new Error(why));
const platform: Platform = {
  loaders: {
    tensorflow: refuses('there is no binding'),
    wasm: loadWasm,
    webgpu: refuses('there is no adapter'),
    webgl: refuses('there is no canvas'),
    cpu: refuses('it was not imported'),
  },
  order: ['tensorflow', 'wasm', 'cpu'],
  nextStep: { tensorflow: 'Build it.', wasm: '', webgpu: '', webgl: '', cpu: 'Import it.' },
};

it('auto takes the first engine that loads and says what kept the better ones away', async () => {
  const { name, reason } = await chooseBackend(platform, 'auto', {});
  expect(name).toBe('wasm');
  expect(reason).toBe('the package @tensorflow/tfjs-backend-wasm; not tensorflow: there is no binding');
});

it('where no engine loads, the error lists every reason', async () => {
  const order = ['tensorflow', 'cpu'] as const;
  await expect(chooseBackend({ ...platform, order }, 'auto', {})).rejects.toMatchObject({
    code: 'engine-unavailable',
    message:
      'useBackend: no engine loads (not tensorflow: there is no binding; not cpu: it was not imported). Import it.',
  });
});

it('an engine that fails leaves the one in use as it was', async () => {
  await expect(chooseBackend(platform, 'tensorflow', {})).rejects.toMatchObject({
    code: 'engine-unavailable',
    message: 'useBackend: the engine tensorflow must load, but there is no binding. Build it.',
  });
  expect(getBackend()).toBe(chosen);
});

it('auto in Node takes the best engine that this machine has', async () => {
  const { name } = await useBackend('auto');
  expect(['tensorflow', 'wasm']).toContain(name);
  expect(describeBackend().startsWith(name)).toBe(true);
});

it.runIf(chosen === 'tensorflow')('the native engine keeps the threads it was loaded with', async () => {
  const { threads = 0 } = await useBackend('tensorflow');
  expect(threads).toBeGreaterThan(0);
  expect((await useBackend('tensorflow', { threads })).threads).toBe(threads);
  await expect(useBackend('tensorflow', { threads: threads + 1 })).rejects.toMatchObject({
    code: 'invalid-argument',
  });
});

it('the native binding is kept in the cache folder, for one version, platform and processor', () => {
  const name = `${nativeVersion}-${process.platform}-${process.arch}`;
  vi.stubEnv('OCKHAM_CACHE', '/elsewhere');
  expect(nativeFolder()).toBe(join('/elsewhere', 'native', name));
  vi.stubEnv('OCKHAM_CACHE', 'beside');
  expect(nativeFolder()).toBe(join(resolve('../..'), 'beside', 'native', name));
});

it('a named engine that does not load says what to do', async () => {
  await expect(useBackend('webgpu')).rejects.toMatchObject({
    code: 'engine-unavailable',
    message:
      'useBackend: the engine webgpu must load, but no import of the application has registered it. ' +
      'It is a browser’s engine; in Node take tensorflow, wasm or cpu.',
  });
  expect(getBackend()).toBe(chosen);
});

it('an unknown engine or an impossible number of threads is refused', async () => {
  await expect(useBackend('gpu' as EngineName)).rejects.toMatchObject({
    code: 'invalid-argument',
    message: 'useBackend: engine must be one of auto, tensorflow, wasm, webgpu, webgl, cpu, got gpu.',
  });
  for (const threads of [0, 1.5, NaN]) {
    await expect(useBackend('wasm', { threads })).rejects.toMatchObject({ code: 'invalid-argument' });
  }
});

it('the entry without Node’s modules takes wasm by itself', async () => {
  expect((await useBackendAnywhere()).name).toBe('wasm');
  await expect(useBackendAnywhere('webgpu')).rejects.toMatchObject({ code: 'engine-unavailable' });
});

it('installing the repairs again changes nothing', async () => {
  await useBackend('wasm');
  const state = (): unknown[] => [
    ...['Conv2DBackpropFilter', 'MaxPoolGrad', 'Cast'].map((kernel) => getKernel(kernel, 'wasm')),
    ...['Relu', 'Conv2D'].map((kernel) => getGradient(kernel)),
  ];
  const before = state();
  installRepairs();
  expect(state()).toEqual(before);
  state().forEach((entry, i) => expect(entry).toBe(before[i]));
});

it('a small convolutional network learns, and a step of training leaks nothing', async () => {
  await useBackend(chosen);
  const model = sequential({
    layers: [
      layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu', inputShape: [8, 8, 1] }),
      layers.batchNormalization(),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dense({ units: 2, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: train.adam(0.01), loss: 'categoricalCrossentropy' });
  const x = tensor2d(
    Array.from({ length: 16 }, (_, i) => Array.from({ length: 64 }, (_, p) => (p % 2) * (i % 2))),
  );
  const images = x.reshape([16, 8, 8, 1]);
  const labels = tensor2d(Array.from({ length: 16 }, (_, i) => [i % 2, 1 - (i % 2)]));
  const first = (await model.trainOnBatch(images, labels)) as number;
  const before = memory().numTensors;
  let last = first;
  for (let i = 0; i < 20; i++) last = (await model.trainOnBatch(images, labels)) as number;
  expect(memory().numTensors).toBe(before);
  expect(last).toBeLessThan(first / 2);
});
