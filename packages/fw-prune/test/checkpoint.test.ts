import { memory } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryStore } from '@ockham/core/files';
import type { SnapshotStore } from '@ockham/core/training';
import { prune, type PruneOptions } from '@ockham/fw-prune';
import { clusters, network, weightsOf } from './fixtures/clusters.ts';

const data = { train: clusters(32), test: clusters(20, 2) };
const relabelled = {
  ...data,
  train: { ...data.train, y: { ...data.train.y, values: data.train.y.values.toReversed() } },
};
const options = {
  sparsity: 0.8,
  iterations: 3,
  report: false,
  subsample: 16,
  criterion: 'lmo',
  retrain: { epochs: 2, batchSize: 16 },
  seed: 9,
} satisfies PruneOptions;

async function result(model: ReturnType<typeof network>, more: Partial<PruneOptions>) {
  const { model: pruned, masks, history } = await prune(model, data, { ...options, ...more });
  const plain = { weights: await weightsOf(pruned), bits: masks.allBits(), history };
  masks.dispose();
  pruned.dispose();
  return plain;
}

/** Stops the run after `ticks` reports of progress and of iterations, then goes on until the end. */
async function killedAndResumed(ticks: readonly number[], more: Partial<PruneOptions>) {
  const checkpoint = memoryStore();
  for (const after of ticks) {
    const controller = new AbortController();
    let seen = 0;
    const tick = () => {
      if (++seen >= after) controller.abort();
    };
    try {
      return await result(network(), {
        ...more,
        checkpoint,
        signal: controller.signal,
        progress: tick,
        onIteration: tick,
      });
    } catch (error) {
      expect(error).toMatchObject({ code: 'aborted' });
    }
  }
  return result(network(), { ...more, checkpoint });
}

describe('checkpoint', () => {
  it.each([
    ['adam', { retrain: options.retrain }],
    [
      'a fresh optimizer each iteration',
      { retrain: { ...options.retrain, optimizerState: 'fresh' as const } },
    ],
    ['released masks', { mask: 'release' as const }],
    ['sgd and regrowth', { regrow: true, retrain: { ...options.retrain, optimizer: 'sgd' as const } }],
  ])('with %s, a run killed anywhere and started again ends with the same bits', async (_, more) => {
    const whole = await result(network(), more);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 3 }), // 3 × (4 steps + 1)
        fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
        async (ticks, snapshotEvery) => {
          const steps = snapshotEvery === undefined ? {} : { snapshotEvery };
          expect(await killedAndResumed(ticks, { ...more, ...steps })).toEqual(whole);
        },
      ),
      {
        numRuns: 5,
        seed: 5,
        examples: [
          [[5], undefined],
          [[4, 1], 3],
        ],
      },
    );
  });

  it('survives a kill without warning: the last snapshot on disk is enough', async () => {
    const whole = await result(network(), {});
    const snapshots: Parameters<SnapshotStore['write']>[0][] = [];
    const store = memoryStore();
    const write = (snapshot: (typeof snapshots)[number]) => {
      snapshots.push(snapshot);
      return store.write(snapshot);
    };
    const recording = { ...store, write };
    await result(network(), { checkpoint: recording, snapshotEvery: 3 });
    expect(await store.read()).toBeUndefined(); // removed at the end
    expect(snapshots.length).toBeGreaterThan(6);
    for (const snapshot of [snapshots[0]!, snapshots[4]!, snapshots.at(-1)!]) {
      const checkpoint = memoryStore();
      await checkpoint.write(snapshot);
      expect(await result(network(), { checkpoint })).toEqual(whole);
    }
  });

  it('does not repeat the iterations that are done', async () => {
    const checkpoint = memoryStore();
    const controller = new AbortController();
    const stopAfterTwo = ({ iteration }: { iteration: number }) => {
      if (iteration === 2) controller.abort();
    };
    const stop = prune(network(), data, {
      ...options,
      checkpoint,
      signal: controller.signal,
      onIteration: stopAfterTwo,
    });
    await expect(stop).rejects.toMatchObject({ code: 'aborted' });
    const seen: number[] = [];
    await result(network(), { checkpoint, onIteration: ({ iteration }) => void seen.push(iteration) });
    expect(seen).toEqual([3]);
  });

  it.each([
    ['another sparsity', { sparsity: 0.7 }, () => network(), data],
    ['another seed', { seed: 10 }, () => network(), data],
    ['a model of other weights', {}, () => network(6), data],
    ['other data of the same size', {}, () => network(), relabelled],
  ])('refuses a checkpoint of %s and leaks nothing', async (_, change, model, used) => {
    const checkpoint = memoryStore();
    const controller = new AbortController();
    await result(network(), {
      checkpoint,
      signal: controller.signal,
      onIteration: () => controller.abort(),
    }).catch(() => undefined);
    const kept = await checkpoint.read();
    const other = model();
    const before = memory().numTensors;
    await expect(prune(other, used, { ...options, ...change, checkpoint })).rejects.toMatchObject({
      code: 'checkpoint-mismatch',
    });
    expect(memory().numTensors).toBe(before);
    expect(await checkpoint.read()).toEqual(kept);
  });
});
