import '@tensorflow/tfjs';
import { AbortedError } from '@ockham/core';
import { useBackend } from '@ockham/core/backend';
import { launch, simulate } from '@ockham/core/comm';
import { indexedDbStore } from '@ockham/core/files';
import { initialize, verify, type EngineConfig, type FitOptions } from '@ockham/deepspeed-lite';
import { wasmPaths } from '@ockham/vitest-config/wasm-paths';
import { memory } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { clusters, smallNetwork, weightsOf } from './fixtures/small-network.ts';
import { trainInPage } from './fixtures/train-in-page.ts';

const config: EngineConfig = { zero: 2, globalBatch: 16, microBatch: 4, bucketSize: 20, learningRate: 0.01 };
const meshed: EngineConfig = { ...config, zero: 1, accumulation: 2, microBatch: 8, mesh: { pipeline: 2 } };
const script = (): Worker =>
  new Worker(new URL('./fixtures/train.page.ts', import.meta.url), { type: 'module' });

beforeAll(async () => {
  await useBackend('wasm', { wasmPaths });
});

it('the page is isolated where the configuration says so', () => {
  expect(crossOriginIsolated).toBe(inject('isolated') === true);
});

it('ranks of one thread learn as one rank does that works as they do', async () => {
  const before = memory().numTensors;
  const model = smallNetwork(7);
  const { fromSequence } = await verify(model, config, clusters(), { ranks: 2, steps: 3 });
  expect([fromSequence.loss, fromSequence.parameters]).toEqual([0, 0]);
  model.dispose();
  expect(memory().numTensors).toBe(before);
});

it('a run that was stopped goes on from IndexedDB, optimizer states there too, to the bit', async () => {
  const run = `deepspeed-${crossOriginIsolated}`;
  const stores = (name: string) => indexedDbStore(`${run}-${name}`);
  const offloaded: EngineConfig = { ...config, offload: (rank) => indexedDbStore(`${run}-states-${rank}`) };
  const fit = async (settings: EngineConfig, options: Partial<FitOptions>) => {
    const model = smallNetwork(7);
    const engine = await initialize(model, settings);
    const failed = await engine.fit(clusters(), { epochs: 2, ...options }).catch((error: unknown) => error);
    await engine.close();
    const weights = await weightsOf(model);
    model.dispose();
    return { failed, weights };
  };
  const straight = await fit(config, {});
  const stop = new AbortController();
  const checkpoint = { stores, every: 2 };
  const stopAt = ({ step }: { step: number }) => {
    if (step === 3) stop.abort();
  };
  const { failed } = await fit(offloaded, { checkpoint, signal: stop.signal, onUpdate: stopAt });
  expect(failed).toBeInstanceOf(AbortedError);
  const { weights } = await fit(offloaded, { checkpoint });
  expect(weights).toEqual(straight.weights);
});

describe.runIf(crossOriginIsolated)('in a page that is cross-origin isolated', () => {
  it.each([
    ['data ranks', config],
    ['stages of a pipeline', meshed],
  ])('%s are workers, and give the bits of ranks on a virtual clock', async (_, data) => {
    const { results } = await simulate(2, ({ comm }) => trainInPage(comm, data));
    expect(await launch<string>(2, script, { data })).toEqual(results);
  });
});

describe.runIf(!crossOriginIsolated)('in any other page', () => {
  it('workers are said not to be had', async () => {
    await expect(launch(2, script, { data: config })).rejects.toThrow(/must be cross-origin isolated/);
  });
});
