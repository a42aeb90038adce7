import type { Split } from '@ockham/core';
import { simulate } from '@ockham/core/comm';
import { gaussianClusters } from '@ockham/core/datasets';
import { cloneModel, mlp } from '@ockham/core/models';
import { memoryStore } from '@ockham/core/files';
import { lossFunction } from '@ockham/core/training';
import { mul, type Tensor } from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { initialize, type EngineConfig } from '../src/index.ts';

const { train: data } = gaussianClusters({ classes: 3, features: 6, examples: 64, separation: 3, seed: 7 });
const net = () => mlp({ inputShape: [6], units: [8], classes: 3, seed: 1 });

function weightsOf(model: ReturnType<typeof net>): number[] {
  return model.getWeights().flatMap((weight) => [...weight.dataSync()]);
}

describe('a loss that is not finite', () => {
  it.each([0, 3] as const)(
    'at ZeRO-%i names the layer and the rank, on all ranks, before anything changed',
    async (zero) => {
      const values = new Float32Array(16 * 6).fill(0.5);
      values.fill(1e38, 9 * 6, 10 * 6); // example 9 is rank 1's
      const batch: Split = {
        size: 16,
        x: { values, shape: [6] },
        y: { values: new Int32Array(16), shape: [] },
      };
      const { results } = await simulate(2, async ({ comm }) => {
        const model = sequential({
          layers: [
            layers.dense({ name: 'first', units: 4, inputShape: [6], kernelInitializer: 'ones' }),
            layers.dense({ name: 'second', units: 3, kernelInitializer: 'ones' }),
          ],
        });
        const engine = await initialize(
          model,
          { zero, globalBatch: 16, loss: 'crossEntropyFromLogits' },
          { comm },
        );
        const message = await engine.trainBatch(batch).then(() => 'none', String);
        await engine.close();
        return { message, weights: model.getWeights().flatMap((w) => [...w.dataSync()]) };
      });
      for (const { message, weights } of results) {
        expect(message).toMatch(
          /^NonFiniteError: trainBatch: the loss became \S+ on rank 1: the layer (first|second) is the first/,
        );
        expect(weights.every((w) => w === 0 || w === 1)).toBe(true);
      }
    },
  );

  it('of the loss function itself is said to be one', async () => {
    const loss = (): Tensor => mul(Infinity, 1);
    const engine = await initialize(net(), { loss, globalBatch: 8 });
    await expect(engine.fit(data, { epochs: 1 })).rejects.toThrow(
      'every layer is finite, the loss function is not',
    );
  });
});

describe('loss scaling', () => {
  it('changes no bit while gradients are finite', async () => {
    const [plain, scaled] = [net(), net()];
    for (const [model, config] of [
      [plain, {}],
      [scaled, { lossScaling: 1024 }],
    ] as const) {
      const engine = await initialize(model, {
        optimizer: 'sgd',
        globalBatch: 8,
        learningRate: 0.05,
        ...config,
      });
      await engine.fit(data, { epochs: 1 });
      await engine.close();
    }
    expect(weightsOf(scaled)).toEqual(weightsOf(plain));
  });

  it('skips steps that overflow, halves the scale, and doubles it after good ones', async () => {
    const cross = lossFunction('crossEntropy');
    let calls = 0;
    const loss = (y: Tensor, p: Tensor): Tensor => mul(cross(y, p), (calls += 1) === 2 ? 1e38 : 1);
    const model = net();
    const engine = await initialize(model, {
      loss,
      globalBatch: 8,
      lossScaling: { initial: 2 ** 10, window: 3 },
    });
    const scales: number[] = [];
    const weights: number[][] = [];
    await engine.fit(data, {
      epochs: 1,
      onUpdate: () => void (scales.push(engine.report().lossScale!), weights.push(weightsOf(model))),
    });
    expect(scales).toEqual([1024, 512, 512, 512, 1024, 1024, 1024, 2048]);
    expect(engine.report()).toMatchObject({ updates: 8, skipped: 1 });
    expect(weights[1]).toEqual(weights[0]);
    expect(weights[2]).not.toEqual(weights[1]);
  });
});

describe('storage', () => {
  it.each(['bfloat16', 'float16'] as const)('in %s keeps values of 16 bits and learns', async (precision) => {
    const { results } = await simulate(2, async ({ comm }) => {
      const model = net();
      const engine = await initialize(
        model,
        { zero: 2, globalBatch: 16, precision, learningRate: 0.01 },
        { comm },
      );
      const { losses } = await engine.fit(data, { epochs: 4 });
      const { bytes } = engine.report();
      await engine.close();
      return { losses, bytes, weights: weightsOf(model) };
    });
    const [{ losses, bytes, weights }] = results as [(typeof results)[0]];
    expect(results[1]!.weights).toEqual(weights);
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 1.2);
    const bits = new Uint32Array(Float32Array.from(weights).buffer);
    expect(bits.every((word) => (word & (precision === 'bfloat16' ? 0xffff : 0x1fff)) === 0)).toBe(true);
    const p = 6 * 8 + 8 + 8 * 3 + 3; // 83, padded 84
    expect(bytes).toEqual({
      parameters: 2 * p,
      gradients: 2 * 42,
      optimizer: 12 * 42,
      total: 2 * p + 14 * 42,
    });
  });

  it('of the optimizer elsewhere changes no bit and leaves nothing in memory', async () => {
    const [here, there] = [net(), net()];
    const store = memoryStore();
    for (const [model, offload] of [
      [here, undefined],
      [there, () => store],
    ] as const) {
      const engine = await initialize(model, { globalBatch: 8, ...(offload && { offload }) });
      await engine.fit(data, { epochs: 0.5 });
      expect(engine.report().bytes.optimizer).toBe(offload ? 0 : 8 * 83);
      await engine.close();
    }
    expect(weightsOf(there)).toEqual(weightsOf(here));
    expect(Object.keys((await store.read())!.arrays)).toEqual(['m', 'v']);
  });
});

describe('initialize', () => {
  it.each<[EngineConfig, string]>([
    [{ zero: 4 as 3 }, 'zero must be 0, 1, 2 or 3, got 4'],
    [
      { mesh: { data: 3 } },
      'the mesh must multiply to the number of ranks, 1, got data 3 × tensor 1 × pipeline 1',
    ],
    [{ precision: 'int8' as 'float16' }, 'precision must be float32, bfloat16 or float16, got int8'],
    [{ learningRate: -1 }, 'learningRate must be a number > 0, got -1'],
    [{ bucketSize: 0 }, 'bucketSize must be an integer ≥ 1, got 0'],
    [{ lossScaling: 3 }, 'the loss scale must be a power of two, got 3'],
    [
      { optimizer: { name: 'oneBitAdam', warmupSteps: 3 }, zero: 1 },
      'oneBitAdam cannot be combined with zero: every rank must have the whole vector',
    ],
  ])('refuses %j', async (config, message) => {
    await expect(initialize(net(), config)).rejects.toThrow(message);
  });

  it('refuses data that does not fill a batch, and a batch of another size', async () => {
    const engine = await initialize(net(), { globalBatch: 100 });
    await expect(engine.fit(data, { epochs: 1 })).rejects.toThrow(
      'at least globalBatch = 100 examples, got 64',
    );
    await expect(engine.trainBatch(data)).rejects.toThrow('must have globalBatch = 100 examples, got 64');
  });

  it('stops all ranks after the same update when one is told to', async () => {
    const stop = new AbortController();
    const { results } = await simulate(2, async ({ comm }) => {
      const engine = await initialize(net(), { globalBatch: 8 }, { comm });
      const signal = comm.rank === 0 ? stop.signal : new AbortController().signal;
      const onUpdate = ({ step }: { step: number }): void => {
        if (step === 3) stop.abort();
      };
      const name = await engine.fit(data, { epochs: 1, signal, onUpdate }).then(
        () => 'none',
        (error: unknown) => (error as Error).name,
      );
      return [name, engine.position.updates];
    });
    expect(results).toEqual([
      ['AbortedError', 3],
      ['AbortedError', 3],
    ]);
  });

  it('trains with compressed optimizers', async () => {
    const { results } = await simulate(2, async ({ comm }) => {
      const model = await cloneModel(net());
      const engine = await initialize(
        model,
        { optimizer: { name: 'oneBitAdam', warmupSteps: 4 }, globalBatch: 8, learningRate: 0.01 },
        { comm },
      );
      const { losses } = await engine.fit(data, { epochs: 3 });
      await engine.close();
      return { losses, weights: weightsOf(model) };
    });
    expect(results[0]!.losses).toEqual(results[1]!.losses);
    expect(results[0]!.losses.at(-1)).toBeLessThan(results[0]!.losses[0]!);
    expect(results[0]!.weights).toEqual(results[1]!.weights);
  });
});
