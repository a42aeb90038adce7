import {
  layers,
  memory,
  sequential,
  tensor2d,
  train as optimizers,
  type LayersModel,
} from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { Split } from '@ockham/core';
import { Random } from '@ockham/core/random';
import {
  gradientMoments,
  meanGradients,
  train,
  trainableVariables,
  type Snapshot,
  type TrainOptions,
} from '@ockham/core/training';

const SIZE = 50;

/** Two clusters in the plane, one for each class. */
function clusters(seed = 1): Split {
  const random = new Random(seed);
  const y = Int32Array.from({ length: SIZE }, (_, i) => i % 2);
  const x = Float32Array.from({ length: SIZE * 2 }, (_, i) => random.normal(y[i >> 1]! * 2 - 1, 0.3));
  return { size: SIZE, x: { values: x, shape: [2] }, y: { values: y, shape: [] } };
}

function network(): LayersModel {
  const kernel = (seed: number) => ({ kernelInitializer: 'glorotUniform' as const, seed });
  return sequential({
    layers: [
      layers.dense({ inputShape: [2], units: 8, activation: 'tanh', ...kernel(1) }),
      layers.batchNormalization(),
      layers.dropout({ rate: 0.25 }),
      layers.dense({ units: 2, activation: 'softmax' }),
    ],
  });
}

/** The same network with the same weights each time. */
async function seededNetwork(): Promise<LayersModel> {
  const model = network();
  const random = new Random(5);
  const values = model.getWeights().map((w) => w.shape);
  const tensors = values.map((shape) => {
    const [rows, columns] = shape.length === 2 ? shape : [1, shape[0]];
    const t = tensor2d(
      Float32Array.from({ length: rows! * columns! }, () => random.uniform(0.1, 0.9)),
      [rows!, columns!],
    );
    const reshaped = t.reshape(shape);
    t.dispose();
    return reshaped;
  });
  model.setWeights(tensors);
  tensors.forEach((t) => t.dispose());
  return model;
}

const weights = async (model: LayersModel) =>
  Promise.all(model.getWeights().map(async (w) => [...(await w.data())]));

describe('train', () => {
  it('learns what can be learnt', async () => {
    const model = await seededNetwork();
    const { epochs, steps } = await train(model, clusters(), {
      epochs: 30,
      batchSize: 16,
      optimizer: { name: 'adam', learningRate: 0.05 },
    });
    expect(steps).toBe(30 * Math.ceil(SIZE / 16));
    expect(epochs.at(-1)!.loss).toBeLessThan(0.1);
    expect(epochs[0]!.loss).toBeGreaterThan(0.3);
  });

  it('gives the same weights for the same seed and other weights for another, dropout included', async () => {
    const run = async (seed: number) => {
      const model = await seededNetwork();
      await train(model, clusters(), { epochs: 2, batchSize: 16, seed });
      return weights(model);
    };
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual(await run(2));
  });

  it('puts the own seeds of dropout layers back', async () => {
    const model = await seededNetwork();
    await train(model, clusters(), { epochs: 1 });
    expect((model.layers[2] as unknown as { seed?: number }).seed).toBeUndefined();
  });

  it.each(['sgd', 'momentum', 'adam'] as const)(
    'with %s, resumed in the middle of an epoch ends with the same bits',
    async (optimizer) => {
      const options = { epochs: 3, batchSize: 16, optimizer, seed: 3 } satisfies TrainOptions;
      const whole = await seededNetwork();
      const straight = await train(whole, clusters(), options);

      const snapshots: Snapshot[] = [];
      await train(await seededNetwork(), clusters(), {
        ...options,
        snapshotEvery: 5,
        onSnapshot: (s) => void snapshots.push(s),
      });
      const resumed = network(); // other weights: everything must come from the snapshot
      const result = await train(resumed, clusters(), { ...options, resumeFrom: snapshots[1]! });

      expect((snapshots[1]!.meta['position'] as { step: number }).step).toBe(5);
      expect(await weights(resumed)).toEqual(await weights(whole));
      expect(result).toEqual(straight);
    },
  );

  it('refuses a snapshot of another run or another model', async () => {
    let snapshot!: Snapshot;
    await train(await seededNetwork(), clusters(), { epochs: 2, onSnapshot: (s) => void (snapshot ??= s) });
    const other = sequential({
      layers: [layers.dense({ inputShape: [2], units: 2, activation: 'softmax' })],
    });
    await expect(train(other, clusters(), { epochs: 2, resumeFrom: snapshot })).rejects.toMatchObject({
      code: 'checkpoint-mismatch',
    });
    await expect(
      train(await seededNetwork(), clusters(), { epochs: 3, resumeFrom: snapshot }),
    ).rejects.toMatchObject({
      code: 'checkpoint-mismatch',
    });
  });

  it('stops at the signal, after a last snapshot from which it goes on', async () => {
    const controller = new AbortController();
    const options = { epochs: 2, batchSize: 10, seed: 4 } satisfies TrainOptions;
    let last: Snapshot | undefined;
    const model = await seededNetwork();
    const run = train(model, clusters(), {
      ...options,
      signal: controller.signal,
      onSnapshot: (s) => void (last = s),
      progress: ({ done }) => done === 3 && controller.abort(),
    });
    await expect(run).rejects.toMatchObject({ code: 'aborted' });
    await train(model, clusters(), { ...options, resumeFrom: last! });
    const whole = await seededNetwork();
    await train(whole, clusters(), options);
    expect(await weights(model)).toEqual(await weights(whole));
  });

  it('says each step before it is taken, after a resume from where it goes on', async () => {
    const steps: string[] = [];
    let last: Snapshot | undefined;
    const options = { epochs: 1, batchSize: 10, onStep: (step: number, total: number) => void steps.push(`${step}/${total}`) }; // prettier-ignore
    await train(await seededNetwork(), clusters(), { ...options, snapshotEvery: 2, onSnapshot: (s) => void (last ??= s) }); // prettier-ignore
    const all = steps.splice(0);
    expect(all[0]).toBe(`0/${all.length}`);
    expect(all.at(-1)).toBe(`${all.length - 1}/${all.length}`);
    await train(await seededNetwork(), clusters(), { ...options, resumeFrom: last! });
    expect(steps).toEqual(all.slice(2));
  });

  it('keeps a checkpoint in a store while it runs and removes it at the end', async () => {
    const seen: string[] = [];
    let kept: Snapshot | undefined;
    const store = {
      read: async () => kept,
      write: async (s: Snapshot) => void ((kept = s), seen.push('write')),
      remove: async () => void ((kept = undefined), seen.push('remove')),
    };
    await train(await seededNetwork(), clusters(), { epochs: 3, checkpoint: store });
    expect(seen).toEqual(['write', 'write', 'remove']);
  });

  it('leaks no tensor', async () => {
    const model = await seededNetwork();
    const before = memory().numTensors;
    await train(model, clusters(), { epochs: 2, batchSize: 7, onSnapshot: () => undefined });
    expect(memory().numTensors).toBe(before);
  });

  it('keeps a given optimizer and follows a learning-rate schedule', async () => {
    const model = await seededNetwork();
    const optimizer = optimizers.sgd(1);
    const start = await weights(model);
    await train(model, clusters(), { epochs: 0.25, batchSize: 10, optimizer, learningRate: () => 0 });
    expect((await weights(model))[0]).toEqual(start[0]);
    await train(model, clusters(), { epochs: 0.25, batchSize: 10, optimizer, learningRate: () => 0.1 });
    expect((await weights(model))[0]).not.toEqual(start[0]);
  });

  it('takes one learning rate for all steps, and refuses what is none', async () => {
    const optimizer = optimizers.sgd(0.5);
    const model = network();
    await train(model, clusters(), { epochs: 1, batchSize: 25, optimizer, learningRate: 0.25 });
    expect(optimizer).toHaveProperty('learningRate', 0.25);
    for (const learningRate of [0, -1, NaN, Infinity, '0.1' as unknown as number])
      await expect(train(model, clusters(), { epochs: 1, learningRate })).rejects.toThrow(
        /learningRate must be a number > 0 or a function of the step, got/,
      );
    optimizer.dispose();
    model.dispose();
  });

  it('says why when the loss is no longer finite', async () => {
    const model = await seededNetwork();
    const run = train(model, clusters(), {
      epochs: 50,
      optimizer: { name: 'sgd', learningRate: 1e30 },
      loss: 'crossEntropyFromLogits',
    });
    await expect(run).rejects.toMatchObject({ code: 'non-finite' });
  });

  const bad: [string, (s: Split) => Split, Partial<TrainOptions>, RegExp][] = [
    ['an empty split', (s) => ({ ...s, size: 0 }), {}, /at least one example/],
    [
      'a label out of range',
      (s) => ({ ...s, y: { ...s.y, values: Int32Array.from(s.y.values, () => 2) } }),
      {},
      /labels must be integers in \[0, 1\]/,
    ],
    [
      'labels in a column',
      (s) => ({ ...s, y: { ...s.y, shape: [1] } }),
      {},
      /class indexes of shape \[\] for each example, got \[1\].*oneHot/,
    ],
    [
      'a NaN input',
      (s) => ({ ...s, x: { ...s.x, values: Float32Array.from(s.x.values, (v, i) => (i === 5 ? NaN : v)) } }),
      {},
      /finite, got NaN in example 2/,
    ],
    [
      'a shape that does not fit',
      (s) => ({ ...s, x: { ...s.x, shape: [1, 2] } }),
      {},
      /takes inputs of \[2\], the data has \[1, 2\]/,
    ],
    ['negative epochs', (s) => s, { epochs: -1 }, /epochs/],
    ['a batch size of 0', (s) => s, { batchSize: 0 }, /batchSize/],
    ['an unknown optimizer', (s) => s, { optimizer: 'adagrad' as never }, /sgd, momentum, adam/],
  ];
  it.each(bad)('refuses %s before it changes a weight', async (_, change, options, message) => {
    const model = await seededNetwork();
    const before = await weights(model);
    const error = await train(model, change(clusters()), { epochs: 1, ...options }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'invalid-argument', message: expect.stringMatching(message) });
    expect(await weights(model)).toEqual(before);
  });

  const noisy: [string, () => Parameters<typeof sequential>[0]][] = [
    [
      'dropout of LSTMCell',
      () => ({ layers: [layers.lstm({ units: 2, inputShape: [3, 1], dropout: 0.5 })] }),
    ],
    ['dropout of GRUCell', () => ({ layers: [bidirectionalGru(0.5)] })],
    [
      'Dropout',
      () => ({
        layers: [
          layers.timeDistributed({ layer: layers.dropout({ rate: 0.5 }), inputShape: [3, 1] }),
          layers.flatten(),
          layers.dense({ units: 2 }),
        ],
      }),
    ],
  ];
  it.each(noisy)('refuses noise that it cannot seed: %s', async (noise, build) => {
    const data = { size: 2, x: { values: new Float32Array(6), shape: [3, 1] }, y: labels(2) };
    const run = train(sequential(build()), data, { epochs: 1, loss: 'crossEntropyFromLogits' });
    await expect(run).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringContaining(`(${noise}) draws unseeded noise`),
    });
  });

  it('trains recurrent layers without dropout, and one label per step', async () => {
    const model = sequential({
      layers: [bidirectionalGru(0), layers.dense({ units: 2 })],
    });
    const data = { size: 2, x: { values: new Float32Array(6), shape: [3, 1] }, y: labels(2) };
    const { steps } = await train(model, data, { epochs: 1, loss: 'crossEntropyFromLogits' });
    expect(steps).toBe(1);
    const each = sequential({
      layers: [layers.gru({ units: 2, returnSequences: true, inputShape: [3, 1] })],
    });
    const tagged = { ...data, y: { values: new Int32Array(6), shape: [3] } };
    expect((await train(each, tagged, { epochs: 1, loss: 'crossEntropyFromLogits' })).steps).toBe(1);
  });
});

function labels(size: number): Split['y'] {
  return { values: new Int32Array(size), shape: [] };
}

function bidirectionalGru(dropout: number) {
  const layer = layers.gru({ units: 2, dropout });
  return layers.bidirectional({ layer, mergeMode: 'concat', inputShape: [3, 1] });
}

describe('meanGradients', () => {
  it('is the numeric gradient of the mean loss, whatever the batch size', async () => {
    const model = sequential({
      layers: [
        layers.dense({ inputShape: [2], units: 2, activation: 'softmax', kernelInitializer: 'zeros' }),
      ],
    });
    const data = clusters();
    const before = memory().numTensors;
    const gradients = meanGradients(model, data, { batchSize: 7 });
    const kernel = trainableVariables(model)[0]!;
    const analytic = await gradients[kernel.name]!.data();
    Object.values(gradients).forEach((g) => g.dispose());
    expect(memory().numTensors).toBe(before);
    // at zero weights p = 1/2, so dL/dW[j, c] = mean(x_j (1/2 − [y = c]))
    for (let j = 0; j < 2; j++) {
      for (let c = 0; c < 2; c++) {
        let expected = 0;
        for (let i = 0; i < SIZE; i++)
          expected += (data.x.values[i * 2 + j]! * (0.5 - Number(data.y.values[i] === c))) / SIZE;
        expect(analytic[j * 2 + c]).toBeCloseTo(expected, 5);
      }
    }
  });
});

describe('gradientMoments', () => {
  it('gives the mean gradient and the mean of the squares over batches, weighted by their size', async () => {
    const model = sequential({
      layers: [layers.dense({ inputShape: [2], units: 2, activation: 'softmax' })],
    });
    const data = clusters();
    const kernel = trainableVariables(model)[0]!;
    const gradientOf = async (indexes?: Int32Array) => {
      const gradients = meanGradients(model, data, { ...(indexes && { indexes }) });
      const values = await gradients[kernel.name]!.data<'float32'>();
      Object.values(gradients).forEach((g) => g.dispose());
      return values;
    };
    const before = memory().numTensors;
    const { mean, square } = gradientMoments(model, data, { batchSize: 7 });
    const [first, second] = await Promise.all([mean, square].map((m) => m[kernel.name]!.data<'float32'>()));
    for (const moments of [mean, square]) Object.values(moments).forEach((g) => g.dispose());
    expect(memory().numTensors).toBe(before);

    const expected = new Float64Array(kernel.size);
    for (let from = 0; from < SIZE; from += 7) {
      const length = Math.min(7, SIZE - from);
      const batch = await gradientOf(Int32Array.from({ length }, (_, i) => from + i));
      batch.forEach((g, i) => (expected[i]! += (g * g * length) / SIZE));
    }
    expected.forEach((value, i) => expect(second![i]).toBeCloseTo(value, 5));
    (await gradientOf()).forEach((value, i) => expect(first![i]).toBeCloseTo(value, 5));
  });

  it('leaves no tensors behind when it is stopped', () => {
    const model = sequential({
      layers: [layers.dense({ inputShape: [2], units: 2, activation: 'softmax' })],
    });
    const before = memory().numTensors;
    expect(() => gradientMoments(model, clusters(), { signal: AbortSignal.abort() })).toThrow(
      /stopped|abort/i,
    );
    expect(memory().numTensors).toBe(before);
  });
});
