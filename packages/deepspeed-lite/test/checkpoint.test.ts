import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError } from '@ockham/core';
import { simulate } from '@ockham/core/comm';
import { gaussianClusters } from '@ockham/core/datasets';
import { mlp } from '@ockham/core/models';
import { saveWeights } from '@ockham/core/training';
import { layers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  folderOf,
  initialize,
  memoryStores,
  type CheckpointStores,
  type EngineConfig,
} from '../src/index.node.ts';

const { train: data } = gaussianClusters({ classes: 3, features: 6, examples: 96, separation: 3, seed: 7 });
const net = (seed = 1): LayersModel => {
  const model = sequential({ layers: [layers.batchNormalization({ inputShape: [6] })] });
  for (const layer of mlp({ inputShape: [6], units: [7], classes: 3, seed }).layers) model.add(layer);
  return model;
};
const base: EngineConfig = { globalBatch: 48, learningRate: 0.01, seed: 3 };

/** Runs ranks: loads if asked to, trains for so many epochs, saves. */
async function run(
  ranks: number,
  config: EngineConfig,
  { from, epochs = 0, to }: { from?: CheckpointStores; epochs?: number; to?: CheckpointStores },
): Promise<readonly string[]> {
  const { results } = await simulate(ranks, async ({ comm }) => {
    const model = net(from ? 9 : 1);
    const engine = await initialize(model, { ...base, ...config }, { comm });
    if (from) await engine.load(from);
    if (epochs > 0) await engine.fit(data, { epochs });
    if (to) await engine.save(to);
    await engine.close();
    const { arrays } = await saveWeights(model);
    model.dispose();
    return Object.values(arrays).join(' ');
  });
  return results;
}

/** The whole arrays of a checkpoint, put together without the code under test. */
async function whole(stores: CheckpointStores): Promise<Record<string, number[]>> {
  const { meta, arrays: common } = (await stores('manifest').read())!;
  const length = 12 + 6 * 7 + 7 + 7 * 3 + 3;
  const arrays: Record<string, number[]> = Object.fromEntries(
    Object.entries(common).map(([name, x]) => [name, [...x]]),
  );
  for (const { name } of meta['shards'] as { name: string }[])
    for (const [array, values] of Object.entries((await stores(name).read())!.arrays))
      (arrays[array] ??= []).push(...values);
  for (const name of ['parameters', 'optimizer/m', 'optimizer/v']) arrays[name]!.length = length;
  return arrays;
}

describe('a checkpoint', () => {
  const counts = [1, 2, 3, 4, 8];
  it('saved on any number of ranks at any stage loads on any other to the bit', async () => {
    const stages = [0, 1, 2, 3] as const;
    let pair = 0;
    for (const n of counts) {
      for (const zero of stages) {
        const saved = memoryStores();
        const [weights] = await run(n, { zero }, { epochs: 1, to: saved });
        const expected = await whole(saved);
        expect(expected['optimizer/v']!.some((v) => v > 0)).toBe(true);
        for (const other of stages) {
          const m = counts[pair++ % counts.length]!;
          const again = memoryStores();
          expect(await run(m, { zero: other }, { from: saved, to: again })).toEqual(Array(m).fill(weights));
          expect(await whole(again)).toEqual(expected);
        }
      }
    }
  });

  it.each<[EngineConfig]>([
    [{ zero: 3, optimizer: 'lamb' }],
    [{ zero: 1, precision: 'bfloat16', lossScaling: 'dynamic' }],
    [{ optimizer: { name: 'oneBitAdam', warmupSteps: 2 } }],
    [{ optimizer: { name: 'zeroOneAdam', freezeStep: 3 } }],
  ])('goes on to the bit, also in the middle of an epoch: %j', async (config) => {
    const stores = memoryStores();
    const { results } = await simulate(2, async ({ comm }) => {
      const model = net();
      const engine = await initialize(model, { ...base, globalBatch: 16, ...config }, { comm });
      const onUpdate = ({ step }: { step: number }): Promise<void> | void =>
        step === 4 ? engine.save(stores) : undefined;
      const { losses } = await engine.fit(data, { epochs: 2, onUpdate });
      await engine.close();
      return [losses.slice(4), Object.values((await saveWeights(model)).arrays).join(' ')];
    });
    const { results: resumed } = await simulate(2, async ({ comm }) => {
      const model = net(8);
      const engine = await initialize(model, { ...base, globalBatch: 16, ...config }, { comm });
      await engine.load(stores);
      const { losses } = await engine.fit(data, { epochs: 2 });
      await engine.close();
      return [losses, Object.values((await saveWeights(model)).arrays).join(' ')];
    });
    expect(resumed.map(([losses, weights]) => [(losses as number[]).slice(-8), weights])).toEqual(results);
  });
});

describe('a folder', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'checkpoint-'))));
  afterAll(() => rm(folder, { recursive: true }));

  it('holds one checkpoint, whatever was saved before', async () => {
    await run(2, { zero: 1 }, { epochs: 1, to: folderOf(folder) });
    const [weights] = await run(3, { zero: 2 }, { from: folderOf(folder), epochs: 1, to: folderOf(folder) });
    expect((await readdir(folder)).sort()).toEqual([
      'manifest.ockham',
      ...[0, 1, 2].map((r) => `shard-2-${r}-of-3.ockham`),
    ]);
    expect(await run(1, {}, { from: folderOf(folder) })).toEqual([weights]);
  });

  it('with a shard that is missing, altered or of another checkpoint is refused on all ranks', async () => {
    const other = memoryStores();
    await run(3, {}, { epochs: 1, to: other });
    const foreign = (await other('shard-1-1-of-3').read())!;
    await folderOf(folder)('shard-2-1-of-3').write(foreign);
    await expect(run(2, { zero: 3 }, { from: folderOf(folder) })).rejects.toThrow(
      'the shard shard-2-1-of-3 must have the SHA-256',
    );
    await writeFile(join(folder, 'shard-2-1-of-3.ockham'), 'OCKHSNAPnot at all');
    await expect(run(1, {}, { from: folderOf(folder) })).rejects.toMatchObject({ code: 'corrupt-file' });
    await rm(join(folder, 'shard-2-1-of-3.ockham'));
    await expect(run(1, {}, { from: folderOf(folder) })).rejects.toThrow(
      'the shard shard-2-1-of-3, which is missing',
    );
    await expect(run(1, {}, { from: memoryStores() })).rejects.toThrow('must have a manifest');
  });

  it('of another model, optimizer or seed is refused', async () => {
    const saved = memoryStores();
    await run(1, {}, { epochs: 1, to: saved });
    await expect(run(1, { optimizer: 'lion' }, { from: saved })).rejects.toThrow('with the optimizer adam');
    await expect(run(1, { seed: 4 }, { from: saved })).rejects.toThrow('another seed');
    const engine = await initialize(mlp({ inputShape: [6], units: [7], classes: 3 }), base);
    await expect(engine.load(saved)).rejects.toMatchObject({ code: 'checkpoint-mismatch' });
  });

  it('keeps the former checkpoint when a disk is full on one rank', async () => {
    const good = memoryStores();
    const [weights] = await run(2, { zero: 2 }, { epochs: 1, to: good });
    const full: CheckpointStores = (name) => ({
      ...good(name),
      write: (snapshot) =>
        /-1-of-2$/.test(name)
          ? Promise.reject(new DataError('storage-failed', 'disk: no space left'))
          : good(name).write(snapshot),
    });
    const { results } = await simulate(2, async ({ comm }) => {
      const engine = await initialize(net(), { ...base, zero: 2 }, { comm });
      return engine.save(full).then(
        () => 'saved',
        (error: unknown) => (error as Error).message,
      );
    });
    expect(results[0]).toContain('rank 1 did not; its error says why. The former checkpoint is intact.');
    expect(results[1]).toBe('disk: no space left');
    expect(await run(1, {}, { from: good })).toEqual([weights]);
  });
});
