import type { Split } from '@ockham/core';
import { gpt } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
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
const small = (dropout = 0) =>
  gpt({
    vocabulary: 19,
    positions: LENGTH,
    layers: 2,
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

describe('a mesh', () => {
  it.each([
    { data: 1, tensor: 1, pipeline: 2 },
    { data: 1, tensor: 2, pipeline: 1 },
    { data: 2, tensor: 2, pipeline: 2 },
  ])('%j has the bits of one rank', async (mesh) => {
    const model = small();
    const { fromSequence, fromOrdinary } = await verify(model, { ...base, optimizer: 'sgd', mesh }, data, {
      steps: 2,
    });
    expect(fromSequence).toEqual(nothing);
    expect(fromOrdinary.relativeLossAtFirst).toBeLessThan(1e-6);
    model.dispose();
  });
});
