import { layers, memory, sequential, tensor } from '@tensorflow/tfjs';
import { ArgumentError, NonFiniteError, NothingChangedError } from '@ockham/core';
import { mlp } from '@ockham/core/models';
import { __fn__ } from '@ockham/__name__';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** A linear model `[inputs]` → 1 with these weights. */
function linear(weights: readonly number[]) {
  const model = sequential({ layers: [layers.dense({ units: 1, useBias: false, inputShape: [weights.length] })] });
  const kernel = tensor([...weights], [weights.length, 1]);
  model.setWeights([kernel]);
  kernel.dispose();
  return model;
}

async function roundedTo(weights: readonly number[], bits: number, seed: number) {
  const model = linear(weights);
  const { model: copy, error } = await __fn__(model, { bits, seed });
  const values = [...copy.getWeights()[0]!.dataSync()];
  model.dispose();
  copy.dispose();
  return { values, error };
}

describe('__fn__', () => {
  it('leaves weights that are on levels where they are', async () => {
    const { values, error } = await roundedTo([0, 1, 2, 3], 2, 7);
    expect(values).toEqual([0, 1, 2, 3]);
    expect(error).toBe(0);
  });

  it('sends a weight to one of the two levels beside it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.float({ min: -4, max: 4, noNaN: true }), { minLength: 2, maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.nat(1000),
        async (weights, bits, seed) => {
          const { values } = await roundedTo(weights, bits, seed);
          const step = (Math.max(...weights) - Math.min(...weights)) / (2 ** bits - 1);
          for (const [i, value] of values.entries()) {
            expect(Math.abs(value - weights[i]!)).toBeLessThanOrEqual(step * (1 + 1e-6) + 1e-6);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it('keeps the mean: 400 weights of 0.3 between 0 and 1 become 0 or 1 with a mean within four standard errors', async () => {
    const { values } = await roundedTo([0, 1, ...Array<number>(400).fill(0.3)], 1, 7);
    const mean = values.slice(2).reduce((sum, value) => sum + value, 0) / 400;
    expect(Math.abs(mean - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / 400));
  });

  it('says how far it went: one weight of 0.5 that became 0 or 1, beside 1, is an error of √(0.25 / 1.25)', async () => {
    const { error } = await roundedTo([0, 1, 0.5], 1, 7);
    expect(error).toBeCloseTo(Math.sqrt(0.25 / 1.25), 12);
  });

  it('refuses bad input before any work, and leaves no tensor', async () => {
    const model = mlp({ inputShape: [4], units: [], classes: 2, seed: 7 });
    const broken = linear([1, NaN]);
    const bare = sequential({ layers: [layers.flatten({ inputShape: [2, 2] })] });
    const before = memory().numTensors;
    for (const bits of [0, 17, 1.5, NaN]) {
      await expect(__fn__(model, { bits })).rejects.toBeInstanceOf(ArgumentError);
    }
    await expect(__fn__(broken, { bits: 2 })).rejects.toBeInstanceOf(NonFiniteError);
    await expect(__fn__(bare, { bits: 2 })).rejects.toBeInstanceOf(NothingChangedError);
    await expect(__fn__(model, { bits: 2, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    expect(memory().numTensors).toBe(before);
  });
});
