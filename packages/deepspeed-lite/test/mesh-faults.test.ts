import type { Split } from '@ockham/core';
import { simulate } from '@ockham/core/comm';
import { cloneModel, gpt, mlp } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { memory } from '@tensorflow/tfjs-core';
import {
  input,
  layers,
  model as modelOf,
  sequential,
  type LayersModel,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { initialize, plan, type EngineConfig, type FlatOptimizer } from '../src/index.ts';

const random = new Random(4);
const data: Split = {
  size: 32,
  x: { values: Float32Array.from({ length: 32 * 6 }, () => random.normal()), shape: [6] },
  y: { values: Int32Array.from({ length: 32 }, () => random.integer(3)), shape: [] },
};
const net = (): LayersModel => mlp({ inputShape: [6], units: [8, 5], classes: 3, seed: 1 });
const weightsOf = (model: LayersModel): number[] =>
  model.getWeights().flatMap((weight) => [...weight.dataSync()]);

/** What every rank's `initialize` says. */
async function refusals(ranks: number, make: () => LayersModel, config: EngineConfig): Promise<string[]> {
  const { results } = await simulate(ranks, async ({ comm }) => {
    const model = make();
    const before = weightsOf(model);
    const message = await initialize(model, config, { comm }).then(() => 'accepted', String);
    expect(weightsOf(model)).toEqual(before);
    return message;
  });
  return [...new Set(results)];
}

/** Batch normalisation that is called at both ends. */
function normalisedTwice(): LayersModel {
  const x = input({ shape: [6] });
  const norm = layers.batchNormalization({ name: 'norm' });
  let h = norm.apply(layers.dense({ units: 6 }).apply(x)) as SymbolicTensor;
  h = norm.apply(layers.dense({ units: 6 }).apply(h)) as SymbolicTensor;
  return modelOf({ inputs: x, outputs: layers.dense({ units: 3 }).apply(h) as SymbolicTensor });
}

/** A model within a model. */
const nested = (): LayersModel => sequential({ layers: [net(), layers.dense({ units: 3, name: 'last' })] });

describe('initialize on a mesh', () => {
  it.each<[string, number, () => LayersModel, EngineConfig, RegExp]>([
    [
      'ranks that do not multiply',
      4,
      net,
      { mesh: { tensor: 3 } },
      /the mesh must multiply to the number of ranks, 4, got data 1\.3+ × tensor 3 × pipeline 1/,
    ],
    ['an axis of no ranks', 2, net, { mesh: { tensor: 0 } }, /the mesh must multiply/],
    [
      'more stages than blocks',
      4,
      net,
      { mesh: { pipeline: 4 } },
      /4 pipeline ranks of 1 piece need as many blocks with weights, got 3/,
    ],
    [
      'more pieces than blocks',
      2,
      net,
      { mesh: { pipeline: 2 }, schedule: 'interleaved' },
      /2 pipeline ranks of 2 pieces need as many blocks with weights, got 3/,
    ],
    [
      'a schedule that there is not',
      2,
      net,
      { mesh: { pipeline: 2 }, schedule: 'zigzag' as 'gpipe' },
      /the schedule must be gpipe, 1f1b or interleaved, got "zigzag"/,
    ],
    [
      'pieces that a schedule does not have',
      2,
      net,
      { mesh: { pipeline: 2 }, chunks: 2 },
      /1f1b has 1 piece a stage, got chunks = 2/,
    ],
    [
      'moving averages in two stages',
      3,
      normalisedTwice,
      { mesh: { pipeline: 3 }, cut: { at: 'layers' } },
      /the layer norm has moving averages and is called in the pipeline stages/,
    ],
    [
      'a model that cannot be split',
      2,
      () => mlp({ inputShape: [6], units: [], classes: 3 }),
      { mesh: { tensor: 2 } },
      /no layer of mlp can be split on 2 ranks; output: its softmax needs the whole/,
    ],
    ['a model within a model', 2, nested, { mesh: { tensor: 2 } }, /a model within a model cannot be split/],
  ])(
    'refuses %s by name, on all ranks, with the model as it was',
    async (_, ranks, make, config, message) => {
      const [only, ...others] = await refusals(ranks, make, config);
      expect(only).toMatch(message);
      expect(others).toEqual([]);
    },
  );

  it('is what plan refuses, in its own name', () => {
    const [whole, twice] = [net(), normalisedTwice()];
    const before = memory().numTensors;
    expect(() => plan(whole, { mesh: { pipeline: 2 } }, { ranks: 3 })).toThrow('plan: the mesh must multiply to the number of ranks, 3'); // prettier-ignore
    expect(() => plan(twice, { mesh: { pipeline: 3 }, cut: { at: 'layers' } }, { ranks: 3 })).toThrow('plan: the layer norm has moving averages'); // prettier-ignore
    expect(memory().numTensors).toBe(before);
  });
});

describe('a run on a mesh', () => {
  it.each([0, 3] as const)(
    'at ZeRO-%i names the layer and the data rank of a loss that is not finite',
    async (zero) => {
      const values = new Float32Array(16 * 6).fill(0.5);
      values.fill(1e38, 9 * 6, 10 * 6); // example 9 is data rank 1's
      const batch: Split = {
        size: 16,
        x: { values, shape: [6] },
        y: { values: new Int32Array(16), shape: [] },
      };
      const { results } = await simulate(8, async ({ comm }) => {
        const model = sequential({
          layers: [
            layers.dense({
              name: 'first',
              units: 4,
              inputShape: [6],
              kernelInitializer: 'zeros',
              biasInitializer: 'ones',
            }),
            layers.dense({ name: 'second', units: 4, kernelInitializer: 'ones', activation: 'relu' }),
            layers.dense({ name: 'third', units: 3, kernelInitializer: 'ones' }),
          ],
        });
        const kernel = model.getLayer('first').weights[0]!;
        kernel.write(kernel.read().add(100));
        const mesh = { data: 2, tensor: 2, pipeline: 2 };
        const config: EngineConfig = {
          zero,
          mesh,
          globalBatch: 16,
          accumulation: 2,
          loss: 'crossEntropyFromLogits',
        };
        const engine = await initialize(model, config, { comm });
        const before = memory().numTensors;
        const message = await engine.trainBatch(batch).then(() => 'none', String);
        await comm.barrier();
        const leaked = comm.rank === 0 ? memory().numTensors - before : 0;
        await engine.close();
        return { message, leaked, weights: weightsOf(model) };
      });
      for (const { message, leaked, weights } of results) {
        expect(message).toMatch(
          /^NonFiniteError: trainBatch: the loss became \S+ on rank 1: the layer first is the first/,
        );
        expect(weights.every((w) => [0, 1, 100].includes(w))).toBe(true);
        expect(leaked).toBe(0);
      }
    },
  );

  it('skips an update on all ranks where the scaled gradient of one stage is not finite', async () => {
    const { results } = await simulate(4, async ({ comm }) => {
      const config: EngineConfig = {
        mesh: { tensor: 2, pipeline: 2 },
        globalBatch: 16,
        lossScaling: { initial: 2 ** 127 },
      };
      const engine = await initialize(net(), config, { comm });
      await engine.fit(data, { epochs: 1 });
      return engine.report();
    });
    for (const { skipped, updates, lossScale } of results) {
      expect(updates).toBe(2);
      expect(skipped).toBe(results[0]!.skipped);
      expect(skipped).toBeGreaterThan(0);
      expect(lossScale).toBe(results[0]!.lossScale);
    }
  });

  it('refuses sums of an optimizer of one’s own that it cannot add over tensor ranks', async () => {
    const messages = await simulate(2, async ({ comm }) => {
      const optimizer: FlatOptimizer = {
        name: 'own',
        slots: [],
        step: async (_slice, _gradients, { sumOverSlices }) =>
          void (await sumOverSlices(new Float64Array(1))),
      };
      const engine = await initialize(net(), { optimizer, mesh: { tensor: 2 }, globalBatch: 16 }, { comm });
      return engine.fit(data, { epochs: 1 }).then(() => 'none', String);
    });
    for (const message of messages.results)
      expect(message).toContain('must give the bins of entryNorms, multiples of 6 × 22 sums, got 1');
  });

  it('gives the last stage the values of a table that the first one owns, after every update', async () => {
    for (const zero of [0, 1, 3] as const) {
      const { results } = await simulate(2, async ({ comm }) => {
        const model = gpt({
          vocabulary: 7,
          positions: 4,
          layers: 1,
          hidden: 4,
          heads: 2,
          dropout: 0,
          seed: 2,
        });
        const tokens: Split = {
          size: 4,
          x: { values: Int32Array.from({ length: 16 }, (_, i) => i % 7), shape: [4] },
          y: { values: Int32Array.from({ length: 16 }, (_, i) => (i + 1) % 7), shape: [4] },
        };
        const config: EngineConfig = {
          zero,
          mesh: { pipeline: 2 },
          globalBatch: 4,
          loss: 'crossEntropyFromLogits',
        };
        const engine = await initialize(model, config, { comm });
        await engine.trainBatch(tokens);
        const table = model.getLayer('wte').weights[0]!.read();
        const copy = comm.rank === 1 ? table.dataSync().join() : '';
        await engine.model();
        const whole = table.dataSync().join();
        await engine.close();
        return { copy, whole };
      });
      expect(results[1]!.copy).toBe(results[0]!.whole);
    }
  });

  it('leaks no tensor, and frees what other ranks have', async () => {
    const model = net();
    const before = memory().numTensors;
    for (const zero of [0, 3] as const)
      await simulate(4, async ({ comm }) => {
        const copy = await cloneModel(model);
        const config: EngineConfig = { zero, mesh: { data: 1, tensor: 2, pipeline: 2 }, globalBatch: 16 };
        const engine = await initialize(copy, config, { comm });
        await engine.fit(data, { epochs: 1 });
        await engine.model();
        await engine.close();
        copy.dispose();
      });
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });

  it('holds its part of its stage, and says what it sent along each axis', async () => {
    const { results } = await simulate(8, async ({ comm }) => {
      const config: EngineConfig = {
        zero: 1,
        mesh: { data: 2, tensor: 2, pipeline: 2 },
        globalBatch: 16,
        accumulation: 2,
      };
      const engine = await initialize(net(), config, { comm });
      await engine.fit(data, { epochs: 1 });
      return engine.report();
    });
    const stages = [6 * 4 + 4, 4 * 5 + 5 + 5 * 3 + 3]; // half of 6·8 + 8; half of 8·5, and what all have
    expect(results.map(({ parameters }) => parameters)).toEqual(
      [0, 0, 0, 0, 1, 1, 1, 1].map((s) => stages[s]),
    );
    const padded = results.map(({ parameters, padding }) => parameters + padding);
    for (const [r, { bytes, rank, ranks, mesh, sent, sentAlong, updates, parameters }] of results.entries()) {
      expect({ rank, ranks, mesh }).toEqual({ rank: r, ranks: 8, mesh: { data: 2, tensor: 2, pipeline: 2 } });
      expect(bytes).toMatchObject({
        parameters: 4 * parameters,
        gradients: 4 * padded[r]!,
        optimizer: 4 * padded[r]!,
      });
      expect(sent / updates).toBe(4 * padded[r]!); // 2·4P·(N−1)/N
      expect(sentAlong!.pipeline).toBeGreaterThan(0);
    }
  });
});
