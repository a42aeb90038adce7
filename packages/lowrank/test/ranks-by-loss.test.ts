import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { gaussianClusters } from '@ockham/core/datasets';
import { countParameters, evaluate } from '@ockham/core/metrics';
import { mlp } from '@ockham/core/models';
import { train } from '@ockham/core/training';
import { compressLowRank, type CompressLowRankOptions } from '@ockham/lowrank';

const data = gaussianClusters({ classes: 6, features: 16, examples: 300, separation: 2.5, seed: 3 });

async function trained(): Promise<tf.LayersModel> {
  const model = mlp({ inputShape: [16], units: [20, 16], classes: 6, seed: 1 });
  await train(model, data.train, { epochs: 4, batchSize: 32, seed: 1, optimizer: { name: 'adam', learningRate: 0.01 } });
  return model;
} // prettier-ignore

const budget = { maxParameters: 420, data, report: false } satisfies CompressLowRankOptions;

async function lossOf(model: tf.LayersModel, options: CompressLowRankOptions): Promise<number> {
  const { model: thin } = await compressLowRank(model, { ...options, report: false });
  const { loss } = await evaluate(thin, data.train);
  thin.dispose();
  return loss;
}

describe('ranks by the measured loss', () => {
  it('keep the budget, lose no more than ranks by energy, and repeat', async () => {
    const model = await trained();
    const before = tf.memory().numTensors;
    const { model: thin, plan } = await compressLowRank(model, { ...budget, choose: 'loss' });
    expect((await countParameters(thin)).parameters).toBeLessThanOrEqual(420);
    const { loss } = await evaluate(thin, data.train);
    thin.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(loss).toBeLessThanOrEqual(await lossOf(model, budget));
    expect(await compressLowRank(model, { ...budget, choose: 'loss', dryRun: true })).toEqual(plan);
    // and no rank vector that differs by one more here and fewer there does better
    const ranks = Object.fromEntries(plan.rows.map(({ layer, rank }) => [layer, rank]));
    for (const { layer: up } of plan.rows) {
      for (const { layer: down } of plan.rows) {
        const [more, fewer] = [ranks[up], ranks[down]];
        if (up === down || more === undefined || fewer === undefined || fewer === 1) continue;
        const rank = Object.fromEntries(
          Object.entries({ ...ranks, [up]: more + 1, [down]: fewer - 1 }).filter(([, r]) => r !== undefined),
        ) as Record<string, number>;
        const { parameters } = await compressLowRank(model, { rank, data, dryRun: true });
        if (parameters.after > 420) continue;
        expect(await lossOf(model, { rank, data })).toBeGreaterThanOrEqual(loss - 1e-6);
      }
    }
  });

  it('are for budgets, and need data', async () => {
    const model = await trained();
    await expect(compressLowRank(model, { rank: 2, data, choose: 'loss' })).rejects.toThrow(
      /choose 'loss' is for maxParameters, maxBytes or maxFlops, got rank/,
    );
    await expect(compressLowRank(model, { maxParameters: 420, choose: 'loss' })).rejects.toThrow(
      /choose 'loss' needs data/,
    );
  });
});
