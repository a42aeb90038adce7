import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { AbortedError } from '@ockham/core';
import { gaussianClusters } from '@ockham/core/datasets';
import { memoryStore } from '@ockham/core/files';
import { mlp } from '@ockham/core/models';
import { saveWeights, train } from '@ockham/core/training';
import { compressLowRank, mergeFactors, type CompressLowRankOptions } from '@ockham/lowrank';

const { layers } = tf;
const data = gaussianClusters({ classes: 4, features: 20, examples: 400, seed: 3 });

async function trained(): Promise<tf.LayersModel> {
  const model = mlp({ inputShape: [20], units: [32, 24], classes: 4, seed: 1 });
  await train(model, data.train, { epochs: 3, batchSize: 32, seed: 1 });
  return model;
}

const options = {
  rank: { dense1: 2, dense2: 2 },
  data,
  report: false,
  seed: 4,
  retrain: { epochs: 2, batchSize: 32, stages: 3 },
} satisfies CompressLowRankOptions;

describe('mergeFactors', () => {
  it('gives back the layers of the original, with what the thin model computes', async () => {
    const model = tf.sequential({
      layers: [
        layers.conv2d({ name: 'conv', inputShape: [8, 8, 2], filters: 12, kernelSize: 3, strides: 2, biasInitializer: 'randomNormal' }),
        layers.batchNormalization({ name: 'conv/u' }), // a name that a factor would have had
        layers.flatten({ name: 'flatten' }),
        layers.dense({ name: 'fc', units: 20, activation: 'softmax', biasInitializer: 'randomNormal' }),
      ],
    }); // prettier-ignore
    const { model: thin } = await compressLowRank(model, { rank: 3, report: false });
    expect(thin.layers.map(({ name }) => name)).toContain('conv/u2');
    const before = tf.memory().numTensors;
    const merged = await mergeFactors(thin, model);
    expect(merged.layers.map(({ name }) => name)).toEqual(model.layers.map(({ name }) => name));
    const x = tf.randomNormal([4, 8, 8, 2], 0, 1, 'float32', 3);
    const [a, b] = [thin.predict(x) as tf.Tensor, merged.predict(x) as tf.Tensor];
    const other = await b.data();
    (await a.data()).forEach((value, i) => expect(value).toBeCloseTo(other[i]!, 5));
    tf.dispose([x, a, b]);
    merged.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses a model that was not made from the original, and leaks nothing', async () => {
    const model = await trained();
    const { model: thin } = await compressLowRank(model, { rank: 2, report: false });
    const other = mlp({ inputShape: [20], units: [30, 24], classes: 4, seed: 1 });
    const before = tf.memory().numTensors;
    await expect(mergeFactors(thin, other)).rejects.toThrow(/nothing in it stands for "dense1"/);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('truncation in stages', () => {
  it('ends at the ranks of the plan, counts epochs on, and leaks nothing', async () => {
    const model = await trained();
    const before = tf.memory().numTensors;
    const seen: string[] = [];
    const { model: thin, plan, history } = await compressLowRank(model, {
      ...options,
      progress: ({ stage, done, total }) => seen.push(`${stage} ${done} of ${total}`),
    }); // prettier-ignore
    expect(thin.layers.map((layer) => layer.weights[0]!.shape[1])).toEqual([2, 32, 2, 24, 4]);
    expect(plan.rows.map(({ rank }) => rank)).toEqual([2, 2]);
    expect(history.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(seen.at(-1)).toBe('train 78 of 78');
    thin.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('learns from another teacher where one is given', async () => {
    const model = await trained();
    const teacher = mlp({ inputShape: [20], units: [8], classes: 4, seed: 7 });
    const retrain = { epochs: 1, batchSize: 32, distill: { weight: 1 } };
    const own = await compressLowRank(model, { ...options, retrain });
    const others = await compressLowRank(model, { ...options, retrain: { ...retrain, teacher } });
    expect(others.history[0]!.loss).not.toBe(own.history[0]!.loss);
    const wrong = mlp({ inputShape: [9], units: [8], classes: 4, seed: 7 });
    await expect(
      compressLowRank(model, { ...options, retrain: { ...retrain, teacher: wrong } }),
    ).rejects.toThrow(/for the teacher has \[20\]/);
  });

  it.each([1, 3, 5])('stopped after epoch %i it goes on to the same bits', async (epochs) => {
    const model = await trained();
    const whole = await compressLowRank(model, options);
    const checkpoint = memoryStore();
    const controller = new AbortController();
    const before = tf.memory().numTensors;
    const stopped = compressLowRank(model, {
      ...options,
      checkpoint,
      signal: controller.signal,
      onEpoch: ({ epoch }) => {
        if (epoch === epochs) controller.abort();
      },
    });
    await expect(stopped).rejects.toThrow(AbortedError);
    expect(tf.memory().numTensors).toBe(before);
    const resumed = await compressLowRank(model, { ...options, checkpoint });
    expect(await saveWeights(resumed.model)).toEqual(await saveWeights(whole.model));
    expect(resumed.history).toEqual(whole.history);
    expect(await checkpoint.read()).toBeUndefined();
  });

  it('refuses the checkpoint of a run with other stages, or of none', async () => {
    const model = await trained();
    const checkpoint = memoryStore();
    const controller = new AbortController();
    const stopped = compressLowRank(model, {
      ...options,
      checkpoint,
      signal: controller.signal,
      onEpoch: ({ epoch }) => {
        if (epoch === 3) controller.abort();
      },
    });
    await expect(stopped).rejects.toThrow(AbortedError);
    const attempt = compressLowRank(model, { ...options, checkpoint, retrain: { epochs: 2, stages: 1 } });
    await expect(attempt).rejects.toThrow(/of another run \(stage 2 of 3\), this one has stage 1 of 1/);
    await checkpoint.write({ meta: {}, arrays: {} });
    await expect(compressLowRank(model, { ...options, checkpoint })).rejects.toThrow(/not of this method/);
  });

  it('refuses stages that are no count, and an optimizer of one’s own, whose state fits one stage only', async () => {
    const model = await trained();
    const attempt = (retrain: object) => compressLowRank(model, { ...options, retrain });
    await expect(attempt({ stages: 0 })).rejects.toThrow(/retrain\.stages must be a whole number > 0, got 0/);
    await expect(attempt({ stages: 2, optimizer: tf.train.adam() })).rejects.toThrow(/every stage needs/);
  });
});
