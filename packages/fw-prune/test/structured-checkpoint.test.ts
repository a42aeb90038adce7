import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { memoryStore } from '@ockham/core/files';
import type { SnapshotStore } from '@ockham/core/training';
import { pruneStructured, type StructuredOptions } from '@ockham/fw-prune';
import { weightsOf } from './fixtures/clusters.ts';
import { corners, smallCnn, smallResnet } from './structured-fixtures.ts';

const data = { train: corners(64), test: corners(32, 4) };
const options = {
  iterations: 3,
  report: false,
  subsample: 32,
  retrain: { epochs: 2, batchSize: 16 },
  seed: 9,
} satisfies StructuredOptions;

type Model = () => tf.LayersModel;
type More = Partial<Omit<StructuredOptions, 'dryRun'>>;

async function result(model: Model, more: More) {
  const { model: small, removed, history } = await pruneStructured(model(), data, { ...options, ...more });
  const plain = { weights: await weightsOf(small), removed, history };
  small.dispose();
  return plain;
}

describe('checkpoint of pruneStructured', () => {
  it.each<[string, Model, More]>([
    ['the group LMO, whose gradient is carried over', () => smallCnn(), { flops: 0.6, criterion: 'lmo' }],
    [
      'distillation',
      () => smallCnn(),
      { channels: 0.5, retrain: { ...options.retrain, distill: { weight: 0.5 } } },
    ],
    ['blocks and channels', () => smallResnet(), { layers: 1, channels: 0.4 }],
    ['blocks alone', () => smallResnet(), { layers: 1 }],
  ])('with %s, every snapshot goes on to the same bits', async (_, model, more) => {
    const whole = await result(model, more);
    const snapshots: Parameters<SnapshotStore['write']>[0][] = [];
    const store = memoryStore();
    const recording: SnapshotStore = {
      ...store,
      write: (snapshot) => {
        snapshots.push(snapshot);
        return store.write(snapshot);
      },
    };
    expect(await result(model, { ...more, checkpoint: recording, snapshotEvery: 3 })).toEqual(whole);
    expect(await store.read()).toBeUndefined(); // removed at the end
    expect(snapshots.length).toBeGreaterThan(6);
    for (const snapshot of snapshots.filter((_, i) => i % 2 === 0 || i === snapshots.length - 1)) {
      const checkpoint = memoryStore();
      await checkpoint.write(snapshot);
      expect(await result(model, { ...more, checkpoint })).toEqual(whole);
    }
  });

  it('goes on after an abort, does not repeat what is done, and leaks nothing', async () => {
    const given = smallCnn();
    const start = tf.memory().numTensors;
    const checkpoint = memoryStore();
    const controller = new AbortController();
    const more = { ...options, flops: 0.5, checkpoint };
    const stopped = pruneStructured(given, data, {
      ...more,
      signal: controller.signal,
      onIteration: ({ iteration }) => {
        if (iteration === 2) controller.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    expect(tf.memory().numTensors).toBe(start);
    const other = pruneStructured(given, data, { ...more, seed: 10 });
    await expect(other).rejects.toMatchObject({ code: 'checkpoint-mismatch' });
    const seen: number[] = [];
    const { model, history } = await pruneStructured(given, data, {
      ...more,
      onIteration: ({ iteration }) => void seen.push(iteration),
    });
    expect(seen).toEqual([3]);
    expect(history.map(({ iteration }) => iteration)).toEqual([1, 2, 3]);
    model.dispose();
    expect(tf.memory().numTensors).toBe(start);
  });
});
