import type { Split } from '@ockham/core';
import { simulate } from '@ockham/core/comm';
import { gaussianClusters } from '@ockham/core/datasets';
import { bert, cloneModel, mlp } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { train } from '@ockham/core/training';
import { memory } from '@tensorflow/tfjs-core';
import { initializers, input, layers, model as modelOf, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers'; // prettier-ignore
import { describe, expect, it } from 'vitest';
import { initialize, verify, type EngineConfig, type ZeroStage } from '../src/index.ts';

const { train: data } = gaussianClusters({ classes: 3, features: 6, examples: 200, separation: 3, seed: 7 });
const stages: readonly ZeroStage[] = [0, 1, 2, 3];

/** Batch normalisation, dropout, a shared layer, a residual and a regulariser: 6·7 + 14 + … parameters, not a multiple of 2, 3 or 4. */
function everything(): LayersModel {
  const kernel = (seed: number) => ({ kernelInitializer: initializers.glorotNormal({ seed }) });
  const x = input({ shape: [6] });
  const shared = layers.dense({ units: 6, activation: 'tanh', kernelRegularizer: 'l1l2', ...kernel(1) });
  let h = layers.batchNormalization({}).apply(shared.apply(x)) as SymbolicTensor;
  h = layers
    .dropout({ rate: 0.25 })
    .apply(layers.dense({ units: 6, activation: 'relu', ...kernel(2) }).apply(h)) as SymbolicTensor;
  h = layers.add().apply([shared.apply(h) as SymbolicTensor, x]) as SymbolicTensor;
  return modelOf({
    inputs: x,
    outputs: layers.dense({ units: 3, activation: 'softmax', ...kernel(3) }).apply(h) as SymbolicTensor,
  });
}

function texts(): Split {
  const random = new Random(3);
  const values = Int32Array.from({ length: 48 * 6 }, (_, i) => (i % 6 === 5 ? 0 : 1 + random.integer(19)));
  return {
    size: 48,
    x: { values, shape: [6] },
    y: { values: Int32Array.from({ length: 48 }, (_, i) => Number(values[i * 6]! > 9)), shape: [] },
  };
}

describe('a run on many ranks', () => {
  const model = everything();
  for (const optimizer of ['sgd', 'adam', 'lamb'] as const)
    it.each(stages)(
      `has at ZeRO-%i with ${optimizer} the bits of one rank that does the same`,
      async (zero) => {
        const config: EngineConfig = {
          optimizer,
          learningRate: 0.01,
          zero,
          microBatch: 4,
          accumulation: 2,
          bucketSize: 30,
          seed: 5,
        };
        for (const ranks of zero === 0 ? [2, 3] : [3]) {
          const { fromSequence, losses } = await verify(model, config, data, { steps: 2, ranks });
          expect(fromSequence).toEqual({ loss: 0, relativeLossAtFirst: 0, lastLoss: 0, parameters: 0 });
          expect(losses.every(Number.isFinite)).toBe(true);
        }
      },
    );

  it('has the bits of one rank for a transformer with activation checkpointing at ZeRO-3', async () => {
    const text = bert({ layers: 1, hidden: 8, heads: 2, vocabulary: 20, length: 6, positions: 6, seed: 3 });
    const config: EngineConfig = {
      zero: 3,
      globalBatch: 8,
      activationCheckpointing: true,
      learningRate: 0.01,
    };
    const { fromSequence, fromOrdinary } = await verify(text, config, texts(), { steps: 2, ranks: 2 });
    expect(fromSequence.parameters).toBe(0);
    expect(fromOrdinary.relativeLossAtFirst).toBeGreaterThan(0); // other dropout
    text.dispose();
  });

  it('differs from one rank that takes the batch at once by rounding alone', async () => {
    const plain = mlp({ inputShape: [6], units: [12], classes: 3, seed: 2 });
    for (const optimizer of ['sgd', 'adam', 'lamb'] as const) {
      const { fromOrdinary } = await verify(plain, { optimizer, zero: 2, globalBatch: 16, seed: 1 }, data, {
        ranks: 4,
      });
      expect(fromOrdinary.relativeLossAtFirst).toBeLessThan(1e-6);
    }
    plain.dispose();
  });

  it('of one rank has the losses of core train', async () => {
    const [ours, cores] = [
      mlp({ inputShape: [6], units: [12], classes: 3, dropout: 0.2, seed: 2 }),
      mlp({ inputShape: [6], units: [12], classes: 3, dropout: 0.2, seed: 2 }),
    ];
    const engine = await initialize(ours, { optimizer: 'sgd', learningRate: 0.05, microBatch: 20, seed: 4 });
    const { losses } = await engine.fit(data, { epochs: 1 });
    const expected: number[] = [];
    await train(cores, data, {
      epochs: 1,
      batchSize: 20,
      optimizer: { name: 'sgd', learningRate: 0.05 },
      seed: 4,
      progress: ({ metrics }) => void expected.push(metrics!['loss']!),
    });
    expect(losses).toHaveLength(expected.length);
    for (const [i, loss] of losses.entries()) expect(Math.abs(loss - expected[i]!)).toBeLessThan(1e-6);
    await engine.close();
  });

  it('leaks no tensor', async () => {
    for (const zero of stages) {
      const copy = await cloneModel(model);
      const before = memory().numTensors;
      const engine = await initialize(copy, { zero, microBatch: 8 });
      await engine.fit(data, { epochs: 0.2 });
      await engine.close();
      expect(memory().numTensors).toBe(before);
      copy.dispose();
    }
  });
});

describe('bytes', () => {
  const ranks = 4;
  it.each(stages)('at ZeRO-%i are those of the formulas', async (zero) => {
    const { results } = await simulate(ranks, async ({ comm }) => {
      const copy = mlp({ inputShape: [6], units: [9, 7], classes: 3, seed: 1 }); // P = 63 + 70 + 24 = 157
      const engine = await initialize(copy, { zero, microBatch: 4, bucketSize: 40 }, { comm });
      const start = engine.report();
      await engine.fit(data, { epochs: 0.2 });
      const end = engine.report();
      await engine.close();
      copy.dispose();
      return { start, end };
    });
    const [p, padded] = [157, 160];
    const share = padded / ranks;
    const expected = {
      0: { parameters: 4 * p, gradients: 4 * padded, optimizer: 8 * padded },
      1: { parameters: 4 * p, gradients: 4 * padded, optimizer: 8 * share },
      2: { parameters: 4 * p, gradients: 4 * share, optimizer: 8 * share },
      3: { parameters: 4 * share, gradients: 4 * share, optimizer: 8 * share },
    }[zero];
    for (const { start, end } of results) {
      const { total, ...bytes } = end.bytes;
      expect(bytes).toEqual(expected);
      expect(total).toBe(bytes.parameters + bytes.gradients + bytes.optimizer);
      const perUpdate = (end.sent - start.sent) / end.updates;
      const times = zero === 3 ? 3 : 2;
      expect(perUpdate).toBe((times * 4 * padded * (ranks - 1)) / ranks);
    }
  });
});
