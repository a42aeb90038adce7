import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { AbortedError, ArgumentError, NonFiniteError, NothingChangedError } from '@ockham/core';
import { gaussianClusters } from '@ockham/core/datasets';
import { memoryStore } from '@ockham/core/files';
import { countFlops, countParameters, measureSize } from '@ockham/core/metrics';
import { matrix, multiply } from '@ockham/core/linalg';
import { mlp } from '@ockham/core/models';
import { saveWeights, train } from '@ockham/core/training';
import { compressLowRank, formatLowRankPlan, type CompressLowRankOptions } from '@ockham/lowrank';
import { inputMoments } from '../src/factorise/input-moments.ts';
import { kernelMatrix } from '../src/factorise/split-layer.ts';

const { layers } = tf;
const data = gaussianClusters({ classes: 4, features: 20, examples: 400, seed: 3 });

async function trained(): Promise<tf.LayersModel> {
  const model = mlp({ inputShape: [20], units: [32, 24], classes: 4, seed: 1 });
  await train(model, data.train, { epochs: 3, batchSize: 32, seed: 1 });
  return model;
}

function cnn(): tf.LayersModel {
  return tf.sequential({
    layers: [
      layers.conv2d({ name: 'conv1', inputShape: [8, 8, 2], filters: 12, kernelSize: 3, padding: 'same', strides: 2 }),
      layers.conv2d({ name: 'conv2', filters: 16, kernelSize: 3, dilationRate: 1, activation: 'relu' }),
      layers.flatten({ name: 'flatten' }),
      layers.dense({ name: 'fc', units: 20, activation: 'softmax' }),
    ],
  });
} // prettier-ignore

async function outputsOf(model: tf.LayersModel, x: tf.Tensor): Promise<Float32Array> {
  const y = model.predict(x) as tf.Tensor;
  const values = await y.data<'float32'>();
  y.dispose();
  return values;
}

describe('compressLowRank', () => {
  it('plans first: ranks, break-even, counts before and after, and changes nothing', async () => {
    const model = cnn();
    const before = await saveWeights(model);
    const plan = await compressLowRank(model, { energy: 0.5, dryRun: true });
    expect(plan.rows.map(({ layer, inputs, outputs }) => [layer, inputs, outputs])).toEqual([
      ['conv1', 18, 12],
      ['conv2', 108, 16],
      ['fc', 64, 20],
    ]);
    for (const { rank, inputs, outputs, breakEven, weights, error } of plan.rows) {
      expect(breakEven).toBe((inputs * outputs) / (inputs + outputs));
      expect(weights.after).toBe(rank! * (inputs + outputs));
      expect(error).toBeLessThanOrEqual(Math.sqrt(0.5));
    }
    expect(formatLowRankPlan(plan)).toMatch(/conv2 +108×16 +\d+ +13\.9/);
    expect(await saveWeights(model)).toEqual(before);
    const { model: thin } = await compressLowRank(model, { energy: 0.5, report: false });
    expect((await countParameters(thin)).parameters).toBe(plan.parameters.after);
    expect((await countFlops(thin)).flops).toBe(plan.flops.after);
  });

  it('leaves a layer whole whose factors would not be smaller, and says so', async () => {
    const model = mlp({ inputShape: [20], units: [32], classes: 4, seed: 1 });
    const { model: thin, plan } = await compressLowRank(model, { rank: 4, report: false });
    const [, output] = plan.rows;
    expect(output).toMatchObject({ rank: undefined, error: 0, weights: { before: 128, after: 128 } });
    expect(output!.staysDense).toMatch(/break-even is rank 3\.6/);
    expect(thin.layers.map(({ name }) => name)).toContain(output!.layer);
    expect(plan.rows[0]).toMatchObject({ rank: 4, weights: { before: 640, after: 4 * 52 } });
  });

  it.each([
    ['maxParameters', async (model: tf.LayersModel) => (await countParameters(model)).parameters],
    ['maxFlops', async (model: tf.LayersModel) => (await countFlops(model)).flops],
    ['maxBytes', async (model: tf.LayersModel) => (await measureSize(model)).bytes],
  ] as const)('keeps %s and uses what is allowed', async (rule, measure) => {
    const model = cnn();
    const now = await measure(model);
    const floor = rule === 'maxBytes' ? 0.75 : 0.4;
    const budget = Math.round(now * floor);
    const { model: thin } = await compressLowRank(model, { [rule]: budget, report: false });
    const used = await measure(thin);
    expect(used).toBeLessThanOrEqual(budget);
    expect(used).toBeGreaterThan(0.8 * budget);
  });

  it('finds ranks for a time, or says what the fastest would take', async () => {
    const model = cnn();
    await expect(compressLowRank(model, { maxMilliseconds: 1e-6 })).rejects.toThrow(
      /at rank 1 .* takes .* ms/,
    );
    await expect(compressLowRank(model, { maxMilliseconds: 1e6 })).rejects.toThrow(NothingChangedError);
  });

  it('keeps outputs on the data better than truncation of the weights', async () => {
    const model = await trained();
    // inputs of which most directions are never seen
    const narrow = { ...data.train, x: { ...data.train.x, values: data.train.x.values.map((v, i) => v * (i % 20 < 4 ? 1 : 0.01)) } };
    const x = tf.tensor(narrow.x.values, [narrow.size, 20]);
    const target = await outputsOf(model, x);
    const missed = async (metric: 'activations' | 'weights') => {
      const { model: thin } = await compressLowRank(model, { rank: { dense1: 3 }, metric, data: { train: narrow }, report: false });
      const outputs = await outputsOf(thin, x);
      return target.reduce((sum, value, i) => sum + (value - outputs[i]!) ** 2, 0);
    };
    expect(await missed('activations')).toBeLessThan(0.5 * (await missed('weights')));
    x.dispose();
  }); // prettier-ignore

  it('loses nothing at a rank that the inputs span, the bias included', async () => {
    const model = tf.sequential({ layers: [layers.dense({ name: 'fc', inputShape: [6], units: 8, activation: 'tanh' })] });
    // inputs vary along one direction about a mean that is not zero
    const values = Float32Array.from({ length: 60 }, (_, i) => 0.5 + (i % 6) * 0.1 + Math.sin(Math.floor(i / 6)) * ((i % 6) - 2));
    const train = { size: 10, x: { values, shape: [6] }, y: { values: new Int32Array(10), shape: [] } };
    const { model: thin } = await compressLowRank(model, { rank: 1, data: { train }, damping: 1e-6, report: false });
    const x = tf.tensor(values, [10, 6]);
    const [a, b] = [await outputsOf(model, x), await outputsOf(thin, x)];
    expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))).toBeLessThan(1e-3);
    x.dispose();
  }); // prettier-ignore

  it('trains again, learns back what was lost, repeats to the bit and leaks no tensor', async () => {
    const model = await trained();
    const options: CompressLowRankOptions = {
      rank: 2,
      data,
      report: { latency: false },
      seed: 4,
      retrain: { epochs: 4, batchSize: 32, distill: { weight: 0.5 } },
    };
    const before = tf.memory().numTensors;
    const first = await compressLowRank(model, options);
    const second = await compressLowRank(model, options);
    expect(await saveWeights(second.model)).toEqual(await saveWeights(first.model));
    expect(first.history).toHaveLength(4);
    expect(first.report!.after.accuracy).toBeGreaterThan(first.report!.before.accuracy! - 0.05);
    expect(first.report!.after.parameters).toBe(first.plan.parameters.after);
    first.model.dispose();
    second.model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('stops by a signal and goes on from its checkpoint to the same bits', async () => {
    const model = await trained();
    const options: CompressLowRankOptions = {
      rank: 2,
      data,
      report: false,
      retrain: { epochs: 4, batchSize: 32 },
    };
    const whole = await compressLowRank(model, options);
    const checkpoint = memoryStore();
    const controller = new AbortController();
    const before = tf.memory().numTensors;
    const stopped = compressLowRank(model, {
      ...options,
      checkpoint,
      signal: controller.signal,
      onEpoch: ({ epoch }) => epoch === 2 && controller.abort(),
    } as CompressLowRankOptions);
    await expect(stopped).rejects.toThrow(AbortedError);
    expect(tf.memory().numTensors).toBe(before);
    const resumed = await compressLowRank(model, { ...options, checkpoint });
    expect(await saveWeights(resumed.model)).toEqual(await saveWeights(whole.model));
  });

  it('refuses bad input by name', async () => {
    const model = mlp({ inputShape: [20], units: [32], classes: 4, seed: 1 });
    const attempt = (options: object) => compressLowRank(model, options as CompressLowRankOptions);
    await expect(attempt({})).rejects.toThrow(/exactly one of rank, energy/);
    await expect(attempt({ rank: 1, energy: 0.5 })).rejects.toThrow(/got rank and energy/);
    for (const energy of [0, 1, NaN])
      await expect(attempt({ energy })).rejects.toThrow(/energy must be in \(0, 1\)/);
    await expect(attempt({ rank: 21 })).rejects.toThrow(/\[1, min\(m, n\)\] = \[1, 20\], got 21/);
    await expect(attempt({ rank: { dense1: 2, nowhere: 1 } })).rejects.toThrow(
      /nowhere matches no layer.*dense1/,
    );
    await expect(attempt({ rank: 2, targets: /query/ })).rejects.toThrow(/\/query\/ matches no layer/);
    await expect(attempt({ rank: 20 })).rejects.toThrow(NothingChangedError);
    await expect(attempt({ maxParameters: 1e9 })).rejects.toThrow(NothingChangedError);
    await expect(attempt({ maxParameters: 50 })).rejects.toThrow(/at least 124/);
    await expect(attempt({ rank: 2, retrain: { epochs: 1 } })).rejects.toThrow(/needs data/);
    await expect(attempt({ rank: 2, data, damping: 0 })).rejects.toThrow(ArgumentError);
    const [kernel, bias] = model.layers.at(-1)!.getWeights();
    model.layers.at(-1)!.setWeights([tf.fill(kernel!.shape, NaN), bias!]);
    await expect(attempt({ rank: 1 })).rejects.toThrow(NonFiniteError);
  });
});

describe('inputMoments', () => {
  const kernelSize = 3;
  it.each([
    ['a dense layer', layers.dense({ inputShape: [6], units: 4 }), [6]],
    ['strides with padding', layers.conv2d({ inputShape: [7, 8, 2], filters: 5, kernelSize, strides: 2, padding: 'same' }), [7, 8, 2]],
    ['dilation', layers.conv2d({ inputShape: [7, 8, 2], filters: 5, kernelSize, dilationRate: 2 }), [7, 8, 2]],
    ['channels first', layers.conv2d({ inputShape: [2, 7, 8], filters: 5, kernelSize: [2, 3], dataFormat: 'channelsFirst' }), [2, 7, 8]],
    ['one dimension', layers.conv1d({ inputShape: [9, 2], filters: 5, kernelSize, strides: 2, padding: 'same' }), [9, 2]],
  ] as const)('give the mean and the energy of the outputs of %s', async (_, layer, shape) => {
    const model = tf.sequential({ layers: [layer] });
    const x = tf.randomNormal([5, ...shape], 1, 1, 'float32', 5);
    const split = { size: 5, x: { values: await x.data<'float32'>(), shape }, y: { values: new Int32Array(5), shape: [] } };
    const before = tf.memory().numTensors;
    const { mean, second } = (await inputMoments(model, [layer], split, 5)).get(layer)!;
    expect(tf.memory().numTensors).toBe(before);
    const W = await kernelMatrix(layer);
    const outputs = layer.apply(x) as tf.Tensor; // the bias is 0
    const rows = tf.reshape(shape[0] === 2 ? tf.transpose(outputs, [0, 2, 3, 1]) : outputs, [-1, W.columns]);
    // E[Wᵀx] = Wᵀ E[x] and E[(Wᵀx)²] = diag(Wᵀ E[x xᵀ] W)
    const means = multiply(matrix(1, W.rows, mean), W).values;
    const energies = multiply(W, multiply(second, W), { transposeA: true }).values;
    const [wantedMeans, wantedEnergies] = [await tf.mean(rows, 0).data(), await tf.mean(tf.square(rows), 0).data()];
    for (let j = 0; j < W.columns; j++) {
      expect(means[j]).toBeCloseTo(wantedMeans[j]!, 4);
      expect(energies[j * (W.columns + 1)]).toBeCloseTo(wantedEnergies[j]!, 4);
    }
  }); // prettier-ignore
});
