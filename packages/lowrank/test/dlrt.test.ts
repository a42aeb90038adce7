import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { gaussianClusters } from '@ockham/core/datasets';
import { memoryStore } from '@ockham/core/files';
import { evaluate } from '@ockham/core/metrics';
import { mlp } from '@ockham/core/models';
import { train } from '@ockham/core/training';
import { planLayers } from '../src/dlrt/layer-plan.ts';
import { LowRankRun } from '../src/dlrt/low-rank-run.ts';
import { dlrt, parameterCounts, vanillaLowRank, type DlrtOptions } from '../src/dlrt/index.ts';

const data = gaussianClusters({ classes: 4, features: 24, examples: 200, testExamples: 100, seed: 3 });
const network = () => mlp({ inputShape: [24], units: [32, 32], classes: 4, seed: 2 });
const options: DlrtOptions = {
  epochs: 4,
  batchSize: 50,
  tolerance: 0.2,
  optimizer: { name: 'adam', learningRate: 0.01 },
  seed: 5,
};

const weightsOf = (model: tf.LayersModel) => model.getWeights().map((weight) => [...weight.dataSync()]);

describe('dlrt', () => {
  it('learns, finds the ranks, and returns a smaller model of ordinary layers', async () => {
    const model = network();
    const given = weightsOf(model);
    const before = tf.memory().numTensors;
    const { model: thin, history, initialRanks, report } = await dlrt(model, data.train, options);
    expect(weightsOf(model)).toEqual(given);
    expect(thin.layers.map((layer) => layer.getClassName())).toEqual(Array<string>(5).fill('Dense'));
    expect((await evaluate(thin, data.test)).accuracy).toBeGreaterThan(0.8);
    expect(history).toHaveLength(4);
    expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss);
    expect(Object.keys(initialRanks)).toEqual(['dense1', 'dense2']);
    const ranks = history.at(-1)!.ranks;
    const kernels = ranks['dense1']! * (24 + 32) + ranks['dense2']! * (32 + 32) + 32 * 4;
    expect(report.kernels).toBe(kernels);
    expect(report.denseKernels).toBe(24 * 32 + 32 * 32 + 32 * 4);
    const counted = thin.layers.reduce(
      (sum, layer) => sum + tf.util.sizeFromShape(layer.weights[0]!.shape as number[]),
      0,
    );
    expect(counted).toBe(kernels);
    expect(report.layers[2]).toMatchObject({
      layer: 'output',
      rank: undefined,
      dense: 'it is the last layer',
    });
    thin.dispose();
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  it('keeps fixed ranks, and bounds found ones', async () => {
    const model = network();
    const fixed = await dlrt(model, data.train, {
      ...omitTolerance(options),
      epochs: 1,
      rank: { dense1: 3, dense2: 5 },
    });
    expect(fixed.history[0]!.ranks).toEqual({ dense1: 3, dense2: 5 });
    const bounded = await dlrt(model, data.train, {
      ...options,
      epochs: 1,
      tolerance: 0.01,
      maxRank: 6,
      minRank: 2,
    });
    expect(bounded.history[0]!.ranks).toEqual({ dense1: 6, dense2: 6 });
    expect(bounded.report.layers[0]!.bounded).toBe(true);
    fixed.model.dispose();
    bounded.model.dispose();
    model.dispose();
  });

  it('leaves a layer dense whose factors would be no smaller, and says so', async () => {
    const model = network();
    const { model: thin, report } = await dlrt(model, data.train, {
      ...omitTolerance(options),
      epochs: 0,
      rank: { dense1: 14, dense2: 5 },
      lastLayer: 'low-rank',
    });
    const [first, second, last] = report.layers;
    expect(first!.rank).toBeUndefined();
    expect(first!.dense).toMatch(/rank 14 would be no smaller.*largest useful rank is 13.*13\.7/);
    expect(second!.rank).toBe(5);
    expect(last!.rank).toBe(3); // below 32 · 4 / 36 = 3.6
    thin.dispose();
    model.dispose();
  });

  it('starts from the truncated weights: with no steps the network is the best of its rank', async () => {
    const model = network();
    const { model: thin, report } = await dlrt(model, data.train, { ...options, epochs: 0, tolerance: 0.05 });
    expect(report.layers[1]).toMatchObject({ rank: 15, breakEvenRank: 16 });
    const x = tf.randomNormal([6, 24], 0, 1, 'float32', 4);
    const [a, b] = [model, thin].map((of) => of.predict(x) as tf.Tensor);
    expect(tf.max(tf.abs(tf.sub(a!, b!))).dataSync()[0]).toBeLessThan(0.3);
    tf.dispose([x, a!, b!]);
    thin.dispose();
    model.dispose();
  });

  it('gives the same bits for the same seed, and goes on from a checkpoint to the bit', async () => {
    const model = network();
    const whole = await dlrt(model, data.train, options);
    const checkpoint = memoryStore();
    const controller = new AbortController();
    let steps = 0;
    const stopped = dlrt(model, data.train, {
      ...options,
      checkpoint,
      signal: controller.signal,
      progress: () => {
        if (++steps === 6) controller.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    await expect(dlrt(model, data.train, { ...options, tolerance: 0.3, checkpoint })).rejects.toMatchObject({
      code: 'checkpoint-mismatch',
    });
    const resumed = await dlrt(model, data.train, { ...options, checkpoint });
    expect(weightsOf(resumed.model)).toEqual(weightsOf(whole.model));
    expect(resumed.history).toEqual(whole.history);
    expect(await checkpoint.read()).toBeUndefined();
    for (const { model: of } of [whole, resumed]) of.dispose();
    model.dispose();
  });

  it('gives a layer without a bias none, and back a model that computes what the one in training did', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ name: 'fc', inputShape: [24], units: 20, activation: 'tanh', useBias: false }),
        tf.layers.dense({ name: 'out', units: 4, activation: 'softmax' }),
      ],
    });
    const run = await LowRankRun.start(model, planLayers(model, options), { ...options, epochs: 1 });
    await run.train(data.train);
    const thin = await run.compactModel();
    expect(thin.layers.map((layer) => layer.weights.length)).toEqual([1, 1, 2]);
    const x = tf.tensor(data.test.x.values, [data.test.size, 24]);
    const [a, b] = [run.model.predict(x) as tf.Tensor, thin.predict(x) as tf.Tensor];
    const wanted = await a.data();
    (await b.data()).forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 5));
    tf.dispose([x, a, b]);
    run.dispose();
    thin.dispose();
    model.dispose();
  });

  it('trains convolutions, batch normalisation, dropout and regularised layers', async () => {
    const images = {
      ...data.train,
      x: { ...data.train.x, shape: [6, 4, 1] },
    };
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({
          name: 'conv',
          inputShape: [6, 4, 1],
          filters: 12,
          kernelSize: 3,
          padding: 'same',
          useBias: false,
        }),
        tf.layers.batchNormalization({ name: 'norm' }),
        tf.layers.reLU(),
        tf.layers.dropout({ rate: 0.1 }),
        tf.layers.flatten(),
        tf.layers.dense({
          name: 'hidden',
          units: 20,
          activation: 'tanh',
          kernelRegularizer: tf.regularizers.l2({ l2: 1e-3 }),
        }),
        tf.layers.dense({ name: 'out', units: 4, activation: 'softmax' }),
      ],
    });
    const { model: thin, history, report } = await dlrt(model, images, { ...options, epochs: 3 });
    expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss);
    expect(report.layers.map(({ rank }) => rank !== undefined)).toEqual([true, true, false]);
    expect(thin.getLayer('norm').getWeights()[2]!.dataSync()).not.toEqual(
      model.getLayer('norm').getWeights()[2]!.dataSync(),
    );
    const accuracy = (await evaluate(thin, images)).accuracy;
    expect(accuracy).toBeGreaterThan(0.8);
    thin.dispose();
    model.dispose();
  });

  it('trains on where plain factors stall, from singular values that fall to 1e-6', async () => {
    const model = network();
    const start = (_: string, rank: number) =>
      Array.from({ length: rank }, (__, i) => 3 * 10 ** ((-6.5 * i) / (rank - 1)));
    const optimizer = { name: 'sgd', learningRate: 0.2 } as const;
    const shared = { rank: 8, start, seed: 4 };
    const low = await dlrt(model, data.train, { ...shared, optimizer, epochs: 12, batchSize: 50 });
    const even = await dlrt(model, data.train, {
      rank: 8,
      start: 'random',
      seed: 4,
      optimizer,
      epochs: 12,
      batchSize: 50,
    });
    const baseline = await vanillaLowRank(model, shared);
    const { epochs } = await train(baseline, data.train, { optimizer, epochs: 12, batchSize: 50, seed: 4 });
    expect(low.history.at(-1)!.loss).toBeLessThan(2 * even.history.at(-1)!.loss + 0.02);
    expect(epochs.at(-1)!.loss).toBeGreaterThan(1.5 * low.history.at(-1)!.loss);
    for (const of of [low.model, even.model, baseline, model]) of.dispose();
  });

  it.each([
    [{ tolerance: 1 }, /tolerance.*\(0, 1\), got 1/],
    [{ tolerance: 0 }, /tolerance.*\(0, 1\), got 0/],
    [{ tolerance: Number.NaN }, /got NaN/],
    [{ rank: 8 }, /tolerance.*or rank/],
    [{ rank: { dense1: 40 } }, /"dense1" must be an integer in \[1, min\(m, n\)\] = \[1, 24\], got 40/],
    [{ rank: { densee: 4 } }, /"densee".*dense1, dense2, output/],
    [{ targets: /none/ }, /none.*dense1, dense2, output/],
    [{ minRank: 5, maxRank: 4 }, /minRank.*5 and 4/],
    [{ norm: 'spectral' as 'nuclear' }, /norm must be frobenius or nuclear/],
    [{ optimizer: 'lion' as 'adam' }, /optimizer must be/],
    [{ epochs: -1 }, /epochs/],
  ])('refuses %j before any work', async (wrong, message) => {
    const model = network();
    const before = tf.memory().numTensors;
    await expect(dlrt(model, data.train, { ...options, ...wrong })).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  it('stops with a named error where the steps diverge, and leaks nothing', async () => {
    const model = network();
    const before = tf.memory().numTensors;
    const wild = { ...options, optimizer: { name: 'sgd', learningRate: 1e30 } } as const;
    await expect(dlrt(model, data.train, wild)).rejects.toMatchObject({ code: 'non-finite' });
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  it('refuses weights that are not finite, and a model of which every layer would stay dense', async () => {
    const model = network();
    const [kernel] = model.getLayer('dense2').getWeights();
    model.getLayer('dense2').setWeights([tf.fill(kernel!.shape, Number.NaN), tf.zeros([32])]);
    await expect(dlrt(model, data.train, options)).rejects.toMatchObject({ code: 'non-finite' });
    await expect(dlrt(model, data.train, { ...options, targets: 'output' })).rejects.toThrow(
      /output: it is the last layer/,
    );
    model.dispose();
  });
});

describe('parameterCounts', () => {
  it.each([
    [[10, 23, 62], 37_445, 98_700, 532_176],
    [[10, 20, 48], 30_278, 78_850, 412_898],
    [[9, 16, 37], 24_542, 62_305, 316_997],
    [[9, 16, 28], 20_033, 50_605, 251_477],
    [[8, 8, 15], 13_091, 29_260, 135_536],
    [[4, 6, 8], 9_398, 18_880, 80_792],
    [[2, 4, 4], 7_250, 12_490, 47_882],
    [[2, 2, 3], 6_647, 10_090, 35_654],
  ])(
    'reproduces both columns of the LeNet-5 table, and the honest one, for ranks %j',
    (ranks, printed, honest, training) => {
      const shapes = [[20, 25], [50, 500], [500, 800]] as const; // prettier-ignore
      const layers = shapes.map(([outputs, inputs], i) => ({ outputs, inputs, rank: ranks[i]! }));
      expect(parameterCounts([...layers, { outputs: 10, inputs: 500, rank: 'dense' }])).toEqual({
        printed,
        honest,
        printedTraining: training,
      });
    },
  );
});

function omitTolerance({ tolerance: _, ...rest }: DlrtOptions): DlrtOptions {
  return rest;
}
