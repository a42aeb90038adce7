import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { AbortedError } from '@ockham/core';
import { gaussianClusters } from '@ockham/core/datasets';
import { memoryStore } from '@ockham/core/files';
import { matrix, multiply } from '@ockham/core/linalg';
import { cloneModel, vgg } from '@ockham/core/models';
import { saveWeights, train } from '@ockham/core/training';
import { pufferfish, pufferfishVgg19, truncate, type PufferfishOptions } from '@ockham/lowrank';

const { layers } = tf;
const data = gaussianClusters({ classes: 3, features: 12, examples: 200, seed: 5 });

function net(): tf.LayersModel {
  const seeded = (seed: number) => ({ kernelInitializer: tf.initializers.glorotUniform({ seed }) });
  return tf.sequential({
    layers: [
      layers.dense({ name: 'fc1', inputShape: [12], units: 16, activation: 'relu', ...seeded(1) }),
      layers.dense({ name: 'fc2', units: 16, ...seeded(2) }),
      layers.batchNormalization({ name: 'bn2' }),
      layers.activation({ name: 'relu2', activation: 'relu' }),
      layers.dense({ name: 'fc3', units: 12, activation: 'relu', ...seeded(3) }),
      layers.dense({ name: 'out', units: 3, activation: 'softmax', ...seeded(4) }),
    ],
  });
}

const options: PufferfishOptions = {
  from: 2,
  epochs: 4,
  warmupEpochs: 2,
  batchSize: 32,
  report: false,
  seed: 3,
};

describe('pufferfish', () => {
  it('splits the layers from K on at a quarter of their rank, and keeps the first ones and the last', async () => {
    const { model, plan, history } = await pufferfish(net(), data, options);
    expect(model.layers.map(({ name }) => name)).toEqual(
      ['fc1', 'fc2/u', 'fc2/v', 'bn2', 'relu2', 'fc3/u', 'fc3/v', 'out'], // prettier-ignore
    );
    expect(plan.rows.map(({ layer, rank }) => [layer, rank])).toEqual([
      ['fc2', 4],
      ['fc3', 3],
    ]);
    expect(history.map(({ epoch, phase }) => [epoch, phase])).toEqual([
      [1, 'warm-up'],
      [2, 'warm-up'],
      [3, 'hybrid'],
      [4, 'hybrid'],
    ]);
    expect(model.countParams()).toBe(plan.parameters.after);
  });

  it('starts the hybrid from U√Σ and √ΣVᵀ of the warmed-up weights, batch normalisation and biases kept', async () => {
    const vanilla = await cloneModel(net());
    await train(vanilla, data.train, { epochs: 2, batchSize: 32, seed: 3 });
    // a hybrid that does not move
    const learningRate = (step: number, total: number) => (step < total / 2 ? 0.001 : 0);
    const { model } = await pufferfish(net(), data, { ...options, learningRate });
    const weights = (owner: tf.LayersModel, layer: string) => owner.getLayer(layer).getWeights();
    const kernel = weights(vanilla, 'fc2')[0]!;
    const { u, v } = truncate(matrix(16, 16, await kernel.data()), 4);
    const product = multiply(u, v, { transposeB: true }).values;
    const [left, right] = [weights(model, 'fc2/u')[0]!, weights(model, 'fc2/v')[0]!];
    const ours = await tf.matMul(left as tf.Tensor2D, right as tf.Tensor2D).data();
    expect(Math.max(...ours.map((value, i) => Math.abs(value - product[i]!)))).toBeLessThan(1e-5);
    // balanced: the columns of U have the length of the rows of Vᵀ
    const lengths = async (t: tf.Tensor, axis: number) => [...(await tf.sum(tf.square(t), axis).data())];
    const [a, b] = [await lengths(left, 0), await lengths(right, 1)];
    for (const [i, length] of a.entries()) expect(length).toBeCloseTo(b[i]!, 4);
    for (const [name, at] of [['fc1', 0], ['fc1', 1], ['bn2', 0], ['bn2', 1], ['out', 0]] as const)
      expect([...(await weights(model, name)[at]!.data())]).toEqual([...(await weights(vanilla, name)[at]!.data())]);
    expect(await weights(model, 'fc2/v')[1]!.data()).toEqual(await weights(vanilla, 'fc2')[1]!.data());
  }); // prettier-ignore

  it('carries the learning-rate schedule on over all passes', async () => {
    const steps: [number, number][] = [];
    const learningRate = (step: number, total: number) => {
      steps.push([step, total]);
      return 1e-3;
    };
    await pufferfish(net(), data, { ...options, learningRate });
    const total = 4 * Math.ceil(data.train.size / 32);
    expect(steps).toEqual(Array.from({ length: total }, (_, step) => [step, total]));
  });

  it('starts from truncations of the given weights without warm-up, and leaves the given model alone', async () => {
    const model = net();
    const before = await saveWeights(model);
    const { history } = await pufferfish(model, data, { ...options, warmupEpochs: 0, epochs: 1 });
    expect(history).toMatchObject([{ epoch: 1, phase: 'hybrid' }]);
    expect(await saveWeights(model)).toEqual(before);
  });

  it.each([1, 3])('stops after pass %i and goes on to the same bits', async (stopAfter) => {
    const whole = await pufferfish(net(), data, options);
    const checkpoint = memoryStore();
    const controller = new AbortController();
    const initial = net();
    const tensors = tf.memory().numTensors;
    const stopped = pufferfish(initial, data, {
      ...options,
      checkpoint,
      signal: controller.signal,
      onEpoch: ({ epoch }) => {
        if (epoch === stopAfter) controller.abort();
      },
    });
    await expect(stopped).rejects.toThrow(AbortedError);
    expect(tf.memory().numTensors).toBe(tensors);
    const resumed = await pufferfish(initial, data, { ...options, checkpoint });
    expect(resumed.history).toEqual(whole.history);
    expect(await saveWeights(resumed.model)).toEqual(await saveWeights(whole.model));
    expect(await checkpoint.read()).toBeUndefined();
  });

  it('compares the vanilla network with the hybrid', async () => {
    const { report } = await pufferfish(net(), data, { ...options, epochs: 1, warmupEpochs: 0, report: { latency: false } });
    expect(report!.after.parameters).toBeLessThan(report!.before.parameters);
    expect(report!.after.flops).toBeLessThan(report!.before.flops);
  }); // prettier-ignore

  it('splits VGG-19 from its ninth layer as configured', async () => {
    const model = vgg({ depth: 19, width: 1 / 32 });
    const inputs = { values: new Uint8Array(4 * 3072), shape: [32, 32, 3] };
    const images = { size: 4, x: inputs, y: { values: new Int32Array(4), shape: [] } };
    const { from, rankRatio } = pufferfishVgg19;
    const { plan } = await pufferfish(model, { train: images }, { from, rankRatio, epochs: 1, warmupEpochs: 0, report: false });
    expect(plan.rows.map(({ layer, rank }) => [layer, rank])).toEqual([
      ...['conv4_1', 'conv4_2', 'conv4_3', 'conv4_4'].map((name) => [name, 4]),
      ...['conv5_1', 'conv5_2', 'conv5_3', 'conv5_4'].map((name) => [name, 4]),
    ]);
  }); // prettier-ignore

  it('refuses bad input by name', async () => {
    const attempt = (changed: Partial<PufferfishOptions>) =>
      pufferfish(net(), data, { ...options, ...changed });
    await expect(attempt({ from: 0 })).rejects.toThrow(
      /from must be a whole number in \[1, 3\].*fc1, fc2, fc3, out/,
    );
    await expect(attempt({ from: 4 })).rejects.toThrow(/the last one kept, got 4/);
    await expect(attempt({ warmupEpochs: 4 })).rejects.toThrow(
      /warmupEpochs must be in \[0, epochs\) = \[0, 4\)/,
    );
    await expect(attempt({ epochs: 0, warmupEpochs: 0 })).rejects.toThrow(/epochs must be a number > 0/);
    await expect(attempt({ rankRatio: 1 })).rejects.toThrow(/rankRatio/);
    await expect(attempt({ rank: 2, rankRatio: 0.5 })).rejects.toThrow(/rank or rankRatio/);
    await expect(attempt({ rank: { fc2: 99 } })).rejects.toThrow(/\[1, min\(m, n\)\] = \[1, 16\], got 99/);
    await expect(attempt({ rank: { fc1: 2 } })).rejects.toThrow(
      /only the layers from K on, fc2, fc3, got fc1/,
    );
  });
});
