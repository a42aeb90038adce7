import type { Split } from '@ockham/core';
import { gpt } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import {
  input,
  layers,
  model as modelOf,
  type LayersModel,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { verify, type EngineConfig } from '../src/index.ts';

const LENGTH = 5;
function texts(size = 64): Split {
  const random = new Random(3);
  const draw = () => Int32Array.from({ length: size * LENGTH }, () => random.integer(19));
  return {
    size,
    x: { values: draw(), shape: [LENGTH] },
    y: { values: draw(), shape: [LENGTH] },
  };
}
const data = texts();
/** Its table is used at both ends. */
const small = (dropout = 0) =>
  gpt({
    vocabulary: 19,
    positions: LENGTH,
    layers: 1,
    hidden: 8,
    heads: 2,
    intermediate: 12,
    dropout,
    seed: 3,
  });

const base: EngineConfig = {
  loss: 'crossEntropyFromLogits',
  learningRate: 0.01,
  microBatch: 2,
  accumulation: 2,
  bucketSize: 100,
  seed: 5,
};
const nothing = { loss: 0, relativeLossAtFirst: 0, lastLoss: 0, parameters: 0 };

describe('a mesh of 2 × 2 × 2 ranks', () => {
  it.each(['sgd', 'adam', 'lamb'] as const)(
    'with %s has the bits of one rank that does the same, and within rounding those of the ordinary one',
    async (optimizer) => {
      const model = small();
      const mesh = { data: 2, tensor: 2, pipeline: 2 };
      const { fromSequence, fromOrdinary, losses } = await verify(model, { ...base, optimizer, mesh }, data);
      expect(fromSequence).toEqual(nothing);
      expect(fromOrdinary.relativeLossAtFirst).toBeLessThan(1e-6);
      expect(fromOrdinary.relativeLossAtFirst).toBeGreaterThan(0);
      expect(losses).toHaveLength(5);
      model.dispose();
    },
  );
});

/** Batch normalisation, a regulariser, a skip over stages and dropout, also between split layers. */
function everything(): LayersModel {
  const x = input({ shape: [6] });
  const first = layers.dense({ units: 6, activation: 'tanh', kernelRegularizer: 'l1l2', kernelInitializer: 'glorotNormal' }).apply(x) as SymbolicTensor; // prettier-ignore
  let h = layers.batchNormalization({}).apply(first) as SymbolicTensor;
  for (let i = 0; i < 2; i++) {
    h = layers.dense({ units: 7, activation: 'relu' }).apply(h) as SymbolicTensor;
    h = layers.dropout({ rate: 0.3 }).apply(h) as SymbolicTensor;
    h = layers.dense({ units: 6, activation: 'tanh' }).apply(h) as SymbolicTensor;
    h = layers.batchNormalization({}).apply(h) as SymbolicTensor;
  }
  const sum = layers
    .add()
    .apply([layers.dropout({ rate: 0.2 }).apply(h) as SymbolicTensor, first]) as SymbolicTensor;
  return modelOf({ inputs: x, outputs: layers.dense({ units: 3, activation: 'softmax' }).apply(sum) as SymbolicTensor }); // prettier-ignore
}

/** What was said of blocks: other numbers each time, as clocks do. */
const costs: number[] = [];

describe('a mesh', () => {
  it.each<[string, EngineConfig]>([
    ['3 tensor ranks', { mesh: { data: 1, tensor: 3 } }],
    ['3 stages and GPipe', { mesh: { data: 1, pipeline: 3 }, schedule: 'gpipe' }],
    [
      'interleaved stages',
      { mesh: { data: 2, pipeline: 2 }, schedule: 'interleaved', zero: 2, accumulation: 3 },
    ],
    [
      'interleaved stages and tensor ranks',
      { mesh: { data: 2, tensor: 2, pipeline: 2 }, schedule: 'interleaved', zero: 3 },
    ],
    [
      'stages of measured cost and parts of different sizes',
      {
        mesh: { data: 1, tensor: 2, pipeline: 2 },
        blockCost: (block) => (costs.push(costs.length % 7), block.variables.length + costs.at(-1)!),
      },
    ],
    ['fewer micro-batches than stages', { mesh: { data: 1, pipeline: 3 }, accumulation: 1 }],
  ])('of %s has the bits of one rank, with dropout too', async (_, config) => {
    const model = gpt({
      vocabulary: 19,
      positions: LENGTH,
      layers: 1,
      hidden: 9,
      heads: 3,
      intermediate: 12,
      dropout: 0.2,
      seed: 3,
    });
    const { fromSequence } = await verify(model, { ...base, ...config }, data, { steps: 2 });
    expect(fromSequence).toEqual(nothing);
    model.dispose();
  });

  it('has them with batch normalisation, regularisers and dropout between split layers', async () => {
    const random = new Random(4);
    const points: Split = {
      size: 40,
      x: { values: Float32Array.from({ length: 240 }, () => random.normal()), shape: [6] },
      y: { values: Int32Array.from({ length: 40 }, () => random.integer(3)), shape: [] },
    };
    const model = everything();
    const config: EngineConfig = {
      ...base,
      loss: 'crossEntropy',
      optimizer: 'lamb',
      mesh: { data: 2, tensor: 2, pipeline: 2 },
      cut: { at: 'layers' },
    };
    const { fromSequence } = await verify(model, config, points, { steps: 2 });
    expect(fromSequence).toEqual(nothing);
    model.dispose();
  });
});
