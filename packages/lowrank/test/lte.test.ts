import {
  AbortedError,
  ArgumentError,
  NonFiniteError,
  takeExamples,
  UnsupportedModelError,
  type Split,
} from '@ockham/core';
import { simulate } from '@ockham/core/comm';
import { gaussianClusters } from '@ockham/core/datasets';
import { memoryStore } from '@ockham/core/files';
import { evaluate } from '@ockham/core/metrics';
import { cloneModel } from '@ockham/core/models';
import {
  lossFunction,
  saveWeights,
  trainableVariables,
  type LossFunction,
  type SnapshotStore,
} from '@ockham/core/training';
import { lte, type LteOptions } from '@ockham/lowrank/lte';
import {
  layers,
  memory,
  sequential,
  tensor,
  tidy,
  train,
  variableGrads,
  type Tensor,
} from '@tensorflow/tfjs';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { afterEach, describe, expect, it } from 'vitest';

const { train: data, test } = gaussianClusters({
  classes: 4,
  features: 8,
  examples: 400,
  separation: 5,
  seed: 1,
});
const made: LayersModel[] = [];
afterEach(() => {
  for (const model of made.splice(0)) model.dispose();
});

function network(units = 12): LayersModel {
  const model = sequential();
  const dense = (n: number, seed: number, activation: 'relu' | 'softmax', first = false) =>
    model.add(
      layers.dense({
        units: n,
        activation,
        kernelInitializer: { className: 'GlorotUniform', config: { seed } } as never,
        ...(first ? { inputShape: [8] } : {}),
      }),
    );
  dense(units, 1, 'relu', true);
  dense(4, 2, 'softmax');
  made.push(model);
  return model;
}

const quick = {
  epochs: 0.4,
  rank: 2,
  heads: 4,
  batchSize: 10,
  mergeEvery: 3,
  optimizer: { name: 'sgd', learningRate: 0.1 },
  seed: 1,
} as const;
const weights = async (model: LayersModel) => Object.values((await saveWeights(model)).arrays);
const outcome = async (options: Partial<LteOptions> = {}, model = network()) => {
  await lte(model, data, { ...quick, ...options });
  return weights(model);
};

/** Plain gradient descent on the whole set. */
async function plainSgd(model: LayersModel, steps: number, rate: number): Promise<void> {
  const optimizer = train.sgd(rate);
  for (let i = 0; i < steps; i++) {
    tidy(() => {
      const x = tensor(data.x.values as Float32Array, [data.size, 8]);
      const y = tensor(data.y.values as Int32Array, [data.size], 'int32');
      const { grads } = variableGrads(
        () => lossFunction('crossEntropy')(y, model.apply(x) as Tensor).asScalar(),
        trainableVariables(model),
      );
      optimizer.applyGradients(grads);
    });
  }
  optimizer.dispose();
}

describe('lte', () => {
  it('one head with square orthogonal A, s = 1, T = 1 and SGD is plain SGD', async () => {
    // 8 → 8 → 16 → 4: A is square in the two that are as wide or wider, the last one trains whole
    const model = sequential({
      layers: [
        layers.dense({ units: 8, activation: 'relu', inputShape: [8], name: 'one' }),
        layers.dense({ units: 16, activation: 'relu', name: 'two' }),
        layers.dense({ units: 4, activation: 'softmax', name: 'three' }),
      ],
    });
    const reference = await cloneModel(model);
    made.push(model, reference);
    await plainSgd(reference, 5, 0.1);
    await lte(model, data, {
      heads: 1,
      rank: 8,
      scale: 1,
      mergeEvery: 1,
      epochs: 5,
      batchSize: data.size,
      optimizer: { name: 'sgd', learningRate: 0.1 },
      factor: 'orthogonal',
      targets: /one|two/,
    });
    const [ours, theirs] = [await weights(model), await weights(reference)];
    for (const [i, values] of ours.entries()) {
      for (const [j, value] of values.entries()) expect(Math.abs(value - theirs[i]![j]!)).toBeLessThan(1e-6);
    }
  });

  it('adds s/N of the sum of the heads’ products to each kernel', async () => {
    // with SGD, one step and B = 0, the change of W is −s²η/N Σ AₙAₙᵀ∇: of rank N r at most, and linear in η
    const change = async (rate: number, heads: number): Promise<number[]> => {
      const model = network();
      const [start] = await weights(model);
      await lte(model, data, {
        ...quick,
        heads,
        epochs: 1e-6,
        mergeEvery: 1,
        others: 'freeze',
        optimizer: { name: 'sgd', learningRate: rate },
      });
      const [end] = await weights(model);
      return Array.from(end!, (value, i) => value - start![i]!);
    };
    const [once, twice] = [await change(0.01, 4), await change(0.02, 4)];
    const size = Math.hypot(...once);
    expect(size).toBeGreaterThan(0);
    expect(Math.hypot(...once.map((value, i) => 2 * value - twice[i]!)) / size).toBeLessThan(1e-2);
  });

  it('one head with A from the gradient takes the steepest step of its rank', async () => {
    // the gradient of one output for one example has rank 1, so that A of rank 1 holds all of it
    const example: Split = takeExamples(data, 1);
    const change = async (factor: 'gradient' | 'orthogonal'): Promise<Float32Array> => {
      const model = sequential({
        layers: [
          layers.dense({ units: 4, activation: 'softmax', kernelInitializer: 'zeros', inputShape: [8] }),
        ],
      });
      made.push(model);
      await lte(model, example, {
        ...quick,
        epochs: 1,
        factor,
        heads: 1,
        rank: 1,
        batchSize: 1,
        mergeEvery: 1,
        optimizer: { name: 'sgd', learningRate: 1 },
      });
      return (await weights(model))[0] as Float32Array;
    };
    const x = example.x.values as Float32Array;
    const label = example.y.values[0]!;
    const whole = Array.from(
      { length: 32 },
      (_, at) => -x[Math.floor(at / 4)]! * (0.25 - (at % 4 === label ? 1 : 0)),
    );
    const found = await change('gradient');
    for (const [at, value] of whole.entries()) expect(found[at]).toBeCloseTo(value, 5);
    expect(Math.hypot(...(await change('orthogonal')))).toBeLessThan(0.9 * Math.hypot(...whole));
  });

  it('learns what can be learnt, conv layers included', async () => {
    const model = network();
    const { history } = await lte(model, data, {
      ...quick,
      epochs: 4,
      optimizer: { name: 'adam', learningRate: 0.03 },
    });
    expect((await evaluate(model, test)).accuracy).toBeGreaterThan(0.95);
    expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss);

    const convolutional = sequential({
      layers: [
        layers.reshape({ targetShape: [2, 4, 1], inputShape: [8] }),
        layers.conv2d({ filters: 6, kernelSize: 2, activation: 'relu' }),
        layers.flatten(),
        layers.dense({ units: 4, activation: 'softmax' }),
      ],
    });
    made.push(convolutional);
    await lte(convolutional, data, {
      ...quick,
      epochs: 4,
      optimizer: { name: 'momentum', learningRate: 0.05 },
    });
    expect((await evaluate(convolutional, test)).accuracy).toBeGreaterThan(0.9);
  });

  it.each<[string, Partial<LteOptions>]>([
    ['by default', {}],
    ['with A kept', { afterMerge: 'keep' }],
    ['with random A', { factor: 'gaussian' }],
    ['with Adam', { optimizer: 'adam', epochs: 0.2, mergeEvery: 1 }],
    ['with A random and fixed', { trainA: false, factor: 'orthogonal' }],
    ['with int8 kernels', { quantise: true }],
    ['with frozen biases', { others: 'freeze' }],
  ])('gives the same bits on 1, 2 and 3 ranks %s', async (_, options) => {
    const alone = await outcome(options);
    for (const ranks of [2, 3]) {
      const { results } = await simulate(ranks, async ({ comm }) => outcome({ ...options, transport: comm }));
      for (const result of results) expect(result).toEqual(alone);
    }
  });

  it('takes rank 0’s weights', async () => {
    const alone = await outcome();
    const { results } = await simulate(2, async ({ comm }) => {
      const model = network();
      if (comm.rank === 1) for (const variable of trainableVariables(model)) variable.assign(variable.mul(2));
      return outcome({ transport: comm }, model);
    });
    expect(results[1]).toEqual(alone);
  });

  it('moves factors, biases and a loss at each merge, and A only where it learns', async () => {
    const message = (withA: boolean) => 4 * (2 * 12 + 2 * 4 + (withA ? 8 * 2 + 12 * 2 : 0) + 12 + 4 + 1);
    for (const trainA of [true, false]) {
      const { results } = await simulate(4, async ({ comm }) => {
        const { history, bytes } = await lte(network(), data, {
          ...quick,
          factor: 'orthogonal',
          trainA,
          transport: comm,
        });
        return { merges: history.length, bytes, ledger: comm.ledger };
      });
      for (const { merges, bytes, ledger } of results) {
        expect(ledger.of('allGather')).toEqual({
          calls: merges,
          sent: 3 * merges * message(trainA),
          received: 3 * merges * message(trainA),
        });
        expect(bytes.sent).toBe(ledger.total().sent);
      }
    }
  });

  it('does not depend on earlier runs, but on the seed', async () => {
    const first = await outcome();
    expect(await outcome()).toEqual(first);
    expect(await outcome({ seed: 2 })).not.toEqual(first);
  });

  it('resets B and its optimizer at each merge', async () => {
    // from B = 0 a first step of Adam moves every element of B by the rate, so that AᵀΔW has that size at each merge
    const model = network();
    const rate = 0.01;
    let [before] = await weights(model);
    const gains: number[] = [];
    await lte(model, data, {
      ...quick,
      heads: 1,
      batchSize: 40,
      rank: 4,
      mergeEvery: 1,
      factor: 'orthogonal',
      trainA: false,
      others: 'freeze',
      optimizer: { name: 'adam', learningRate: rate },
      async onMerge() {
        const [after] = await weights(model);
        gains.push(Math.hypot(...after!.map((value, i) => value - before![i]!)));
        before = after;
      },
    });
    expect(gains).toHaveLength(4);
    // units that no example reaches have no gradient; the others move by A times ±rate, of length rate·√4
    for (const gain of gains) {
      const units = (gain / rate) ** 2 / 4;
      expect(Math.abs(units - Math.round(units))).toBeLessThan(1e-2);
      expect(Math.round(units)).toBeGreaterThan(6);
    }
  });

  it('keeps float32 kernels beside int8 ones, and ends with them', async () => {
    const model = network();
    const { kernelBytes } = await lte(model, data, { ...quick, quantise: true });
    expect(kernelBytes).toBe(8 * 12 + 4 * 12 + 12 * 4 + 4 * 4);
    const [kernel] = await weights(model);
    const column = Array.from({ length: 8 }, (_, i) => kernel![i * 12]!);
    const scale = Math.max(...column.map(Math.abs)) / 127;
    expect(column.some((value) => Math.abs(value / scale - Math.round(value / scale)) > 0.01)).toBe(true);
  });

  it('is left at its last merge where it is stopped', async () => {
    const model = network();
    const controller = new AbortController();
    const merged: Float32Array[][] = [];
    let calls = 0;
    const loss: LossFunction = (y, prediction) => {
      if (++calls > 40) controller.abort();
      return lossFunction('crossEntropy')(y, prediction);
    };
    const stopped = lte(model, data, {
      ...quick,
      epochs: 4,
      loss,
      signal: controller.signal,
      async onMerge() {
        merged.push((await weights(model)).map((values) => Float32Array.from(values)));
      },
    });
    await expect(stopped).rejects.toThrow(AbortedError);
    expect(await weights(model)).toEqual(merged.at(-1));
  });

  it.each<[string, Partial<LteOptions>]>([
    ['A drawn anew', { optimizer: 'adam' }],
    ['A kept', { optimizer: 'adam', afterMerge: 'keep', factor: 'gaussian' }],
    ['int8 kernels', { quantise: true }],
    ['frozen biases', { others: 'freeze' }],
  ])('stopped after a merge it goes on to the same bits: %s', async (_, own) => {
    const options = { ...own, epochs: 1 };
    const wanted = await outcome(options);
    const checkpoint = memoryStore();
    const controller = new AbortController();
    const before = memory().numTensors;
    const model = network();
    const stopped = lte(model, data, {
      ...{ ...quick, ...options },
      checkpoint,
      signal: controller.signal,
      onMerge: ({ merge }) => {
        if (merge === 2) controller.abort();
      },
    });
    await expect(stopped).rejects.toThrow(AbortedError);
    model.dispose();
    made.splice(made.indexOf(model), 1);
    expect(memory().numTensors).toBe(before);
    expect(await outcome({ ...options, checkpoint })).toEqual(wanted); // the model starts from its first weights
    expect(await checkpoint.read()).toBeUndefined();
  });

  it('goes on from the checkpoints of all ranks, and refuses those of different merges or of another run', async () => {
    const wanted = await outcome({ epochs: 1 });
    const stores = [memoryStore(), memoryStore()];
    const late = memoryStore();
    const controller = new AbortController();
    const run = (checkpoints: readonly SnapshotStore[], options: Partial<LteOptions> = {}) => {
      const models = checkpoints.map(() => network());
      return simulate(checkpoints.length, async ({ comm }) => {
        const own = { transport: comm, checkpoint: checkpoints[comm.rank]! };
        await lte(models[comm.rank]!, data, { ...quick, epochs: 1, ...own, ...options });
        return weights(models[comm.rank]!);
      });
    };
    const stopping: Partial<LteOptions> = {
      snapshotEvery: 1,
      signal: controller.signal,
      onMerge: async ({ merge }) => {
        if (merge === 2 && !(await late.read())) await late.write((await stores[1]!.read())!);
        if (merge === 3) controller.abort();
      },
    };
    await expect(run(stores, stopping)).rejects.toThrow(AbortedError);
    await expect(run([stores[0]!, late])).rejects.toThrow(/checkpoints are of steps 9, 3/);
    await expect(run(stores, { rank: 1 })).rejects.toThrow(/of another run/);
    const { results } = await run(stores);
    for (const result of results) expect(result).toEqual(wanted);
  });

  it('counts parameters of a head and of the model', async () => {
    const { parameters } = await lte(network(), data, quick);
    expect(parameters).toEqual({ head: 2 * (8 + 12) + 2 * (12 + 4) + 16, model: 8 * 12 + 12 + 12 * 4 + 4 });
  });

  it('leaks no tensor, also when it is stopped', async () => {
    const model = network();
    const before = memory().numTensors;
    for (const options of [
      {},
      { quantise: true, optimizer: 'momentum' },
      { afterMerge: 'redraw' },
    ] as const) {
      await lte(model, data, { ...quick, ...options });
      expect(memory().numTensors).toBe(before);
    }
    const controller = new AbortController();
    const stopped = lte(model, data, {
      ...quick,
      signal: controller.signal,
      onMerge: () => controller.abort(),
    });
    await expect(stopped).rejects.toThrow(AbortedError);
    expect(memory().numTensors).toBe(before);
  });

  it.each<[string, Partial<LteOptions>]>([
    ['no heads', { heads: 0 }],
    ['a rank beyond min(m, n)', { rank: 5 }],
    ['rank 0', { rank: 0 }],
    ['no steps between merges', { mergeEvery: 0 }],
    ['a scale of 0', { scale: 0 }],
    ['no epochs', { epochs: 0 }],
    ['NaN epochs', { epochs: NaN }],
    ['shards below a batch', { heads: 41 }],
    ['targets that match nothing', { targets: 'nothing' }],
    ['an unknown factor', { factor: 'square' as 'gaussian' }],
    ['an optimizer that heads would share', { optimizer: train.sgd(0.1) as never }],
  ])('refuses %s', async (_, options) => {
    await expect(lte(network(), data, { ...quick, ...options })).rejects.toThrow(ArgumentError);
  });

  it('refuses more ranks than heads', async () => {
    const work = simulate(3, ({ comm }) => lte(network(), data, { ...quick, heads: 2, transport: comm }));
    await expect(work).rejects.toThrow(/3 ranks for 2/);
  });

  it('refuses NaN in the data or the weights, trainable batch normalisation, and a loss that is no number', async () => {
    const values = (data.x.values as Float32Array).slice();
    values[3] = NaN;
    const broken: Split = { ...data, x: { ...data.x, values } };
    await expect(lte(network(), broken, quick)).rejects.toThrow(ArgumentError);

    const model = network();
    tidy(() => trainableVariables(model)[0]!.assign(trainableVariables(model)[0]!.mul(NaN)));
    await expect(lte(model, data, quick)).rejects.toThrow(NonFiniteError);

    const normalised = sequential({
      layers: [
        layers.dense({ units: 4, inputShape: [8] }),
        layers.batchNormalization(),
        layers.activation({ activation: 'softmax' }),
      ],
    });
    made.push(normalised);
    await expect(lte(normalised, data, quick)).rejects.toThrow(UnsupportedModelError);

    const loss = (_: Tensor, prediction: Tensor) => prediction.mean().mul(NaN);
    await expect(lte(network(), data, { ...quick, loss })).rejects.toThrow(/gradient.*NaN/);
    const random = lte(network(), data, { ...quick, loss, factor: 'gaussian' });
    await expect(random).rejects.toThrow(/head 0 became NaN/);
  });
});
