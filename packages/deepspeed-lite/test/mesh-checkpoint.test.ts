import type { Split } from '@ockham/core';
import { simulate } from '@ockham/core/comm';
import { gpt } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { variableOf } from '@ockham/core/training';
import { layers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { initialize, memoryStores, type CheckpointStores, type EngineConfig } from '../src/index.ts';

const random = new Random(3);
const draw = (): Int32Array => Int32Array.from({ length: 32 * 4 }, () => random.integer(11));
const data: Split = { size: 32, x: { values: draw(), shape: [4] }, y: { values: draw(), shape: [4] } };
const decoder = (seed: number): LayersModel =>
  gpt({ vocabulary: 11, positions: 4, layers: 1, hidden: 6, heads: 3, intermediate: 5, dropout: 0.1, seed });
const base: EngineConfig = {
  loss: 'crossEntropyFromLogits',
  globalBatch: 16,
  accumulation: 2,
  learningRate: 0.01,
  seed: 3,
};

function weightsOf(model: LayersModel): string {
  const variables = new Set(model.layers.flatMap((layer) => layer.weights.map(variableOf)));
  return [...variables].map((variable) => variable.dataSync().join()).join(' ');
}

/** Runs ranks: loads if asked to, trains for so many epochs, saves. The losses and the weights of every rank. */
async function run(
  ranks: number,
  config: EngineConfig,
  { from, epochs = 0, to }: { from?: CheckpointStores; epochs?: number; to?: CheckpointStores },
): Promise<readonly { readonly losses: readonly number[]; readonly weights: string }[]> {
  const { results } = await simulate(ranks, async ({ comm }) => {
    const model = decoder(from ? 9 : 1);
    const engine = await initialize(model, { ...base, ...config }, { comm });
    if (from) await engine.load(from);
    const losses = epochs > 0 ? (await engine.fit(data, { epochs })).losses : [];
    if (to) await engine.save(to);
    await engine.close();
    return { losses, weights: weightsOf(model) };
  });
  return results;
}

/** The whole arrays of a checkpoint, put together without the code under test. */
async function whole(stores: CheckpointStores): Promise<Record<string, string>> {
  const { meta, arrays: common } = (await stores('manifest').read())!;
  const entries = meta['entries'] as { shape: number[] }[];
  const length = entries.reduce((sum, { shape }) => sum + shape.reduce((product, d) => product * d, 1), 0);
  const arrays: Record<string, number[]> = {};
  for (const { name } of meta['shards'] as { name: string }[])
    for (const [array, values] of Object.entries((await stores(name).read())!.arrays))
      (arrays[array] ??= []).push(...values);
  return Object.fromEntries([
    ...Object.entries(common).map(([name, values]) => [name, values.join()]),
    ...Object.entries(arrays).map(([name, values]) => [name, values.slice(0, length).join()]),
  ]) as Record<string, string>;
}

describe('a checkpoint of a mesh', () => {
  it('loads on any other mesh at any stage, and there on any other again, to the bit', async () => {
    const meshes: [number, EngineConfig][] = [
      [8, { mesh: { data: 2, tensor: 2, pipeline: 2 }, zero: 1 }],
      [4, { mesh: { data: 4 }, zero: 3 }],
      [3, { mesh: { tensor: 3 }, zero: 2 }],
      [1, {}],
      [4, { mesh: { pipeline: 2, data: 2 }, zero: 3, schedule: 'interleaved' }],
      [8, { mesh: { tensor: 2, data: 4 } }],
      [4, { mesh: { tensor: 2, pipeline: 2 }, zero: 3, schedule: 'gpipe' }],
    ];
    for (const [first, [ranks, config]] of meshes.entries()) {
      if (first % 2 === 1) continue;
      const saved = memoryStores();
      const [one] = await run(ranks, config, { epochs: 1, to: saved });
      const expected = await whole(saved);
      expect(Object.keys(expected)).toEqual(expect.arrayContaining(['parameters', 'optimizer/m', 'optimizer/v'])); // prettier-ignore
      for (const [n, [others, other]] of meshes.entries()) {
        if (n % 2 === 0 && n !== first + 2) continue;
        const again = memoryStores();
        for (const { weights } of await run(others, other, { from: saved, to: again }))
          expect(weights === one!.weights).toBe(true);
        expect(await whole(again)).toEqual(expected);
      }
    }
  });

  it.each<[EngineConfig]>([
    [{ optimizer: 'lamb', mesh: { data: 1, tensor: 2, pipeline: 2 }, zero: 3 }],
    [{ precision: 'bfloat16', mesh: { data: 2, tensor: 2 }, zero: 1, lossScaling: 'dynamic' }],
    [{ optimizer: { name: 'oneBitLamb', warmupSteps: 1 }, mesh: { data: 2, pipeline: 2 } }],
    [{ optimizer: { name: 'zeroOneAdam', freezeStep: 1, localDoubling: 1 }, mesh: { data: 2, pipeline: 2 } }],
  ])('goes on to the bit, in the middle of an epoch: %j', async (config) => {
    const stores = memoryStores();
    const { results } = await simulate(4, async ({ comm }) => {
      const model = decoder(1);
      const engine = await initialize(model, { ...base, ...config }, { comm });
      const onUpdate = ({ step }: { step: number }): Promise<void> | void =>
        step === 3 ? engine.save(stores) : undefined;
      const { losses } = await engine.fit(data, { epochs: 3, onUpdate });
      await engine.close();
      return { losses: losses.slice(3), weights: weightsOf(model) };
    });
    const resumed = await run(4, config, { from: stores, epochs: 3 });
    expect(resumed).toEqual(results);
    expect(new Set(results.map(({ weights }) => weights)).size).toBe(1);
  });

  it('of a compressed optimizer loads without stages, with all of its state', async () => {
    const optimizer = { name: 'oneBitAdam', warmupSteps: 1 } as const;
    const saved = memoryStores();
    const [one] = await run(4, { optimizer, mesh: { data: 2, pipeline: 2 } }, { epochs: 2, to: saved });
    const again = memoryStores();
    const [other] = await run(2, { optimizer }, { from: saved, to: again });
    expect(other!.weights).toBe(one!.weights);
    expect(await whole(again)).toEqual(await whole(saved));
  });
});

it('0/1 Adam brings the ranks together before it saves', async () => {
  const stores = memoryStores();
  const optimizer = { name: 'zeroOneAdam', freezeStep: 2, localDoubling: 1, maxInterval: 8 } as const;
  const points: Split = {
    size: 32,
    x: { values: Float32Array.from({ length: 96 }, () => random.normal()), shape: [3] },
    y: { values: Int32Array.from({ length: 32 }, () => random.integer(2)), shape: [] },
  };
  const { results } = await simulate(2, async ({ comm }) => {
    const model = sequential({
      layers: [layers.dense({ units: 2, activation: 'softmax', inputShape: [3] })],
    });
    const engine = await initialize(
      model,
      { optimizer, globalBatch: 8, seed: 1, learningRate: 0.1 },
      { comm },
    );
    const apart: string[] = [];
    const onUpdate = ({ step }: { step: number }): void => void (step === 8 && apart.push(weightsOf(model)));
    await engine.fit(points, { epochs: 2, onUpdate });
    await engine.save(stores);
    return { apart: apart[0], together: weightsOf(model) };
  });
  expect(results[0]!.apart).not.toBe(results[1]!.apart);
  expect(results[0]!.together).toBe(results[1]!.together);
});
