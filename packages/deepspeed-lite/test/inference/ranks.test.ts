import * as tf from '@tensorflow/tfjs';
import { ArgumentError } from '@ockham/core';
import { self, simulate } from '@ockham/core/comm';
import { bert, gpt } from '@ockham/core/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accelerate, accelerateRanks, generateTokens, measureLink } from '../../src/inference/index.ts';
import { disposeModel } from '../../src/tensor/split-model.ts';
import { apart, shake, tokens } from './parity.ts';

const sizes = {
  layers: 3,
  hidden: 24,
  heads: 3,
  intermediate: 40,
  vocabulary: 50,
  positions: 12,
  length: 12,
};
const shapes: readonly [tensor: number, pipeline: number][] = [[1, 1], [2, 1], [3, 1], [1, 3], [2, 2]]; // prettier-ignore

let encoder: tf.LayersModel;
let decoder: tf.LayersModel;
beforeAll(() => {
  encoder = shake(bert({ ...sizes, seed: 3 }), 4);
  const { vocabulary, positions, layers, hidden, heads } = sizes;
  decoder = shake(gpt({ vocabulary, positions, layers, hidden, heads, length: null, seed: 3 }), 5, 0.3);
});
afterAll(() => {
  disposeModel(encoder);
  disposeModel(decoder);
});

describe.each(shapes)('%i tensor ranks and %i stages', (tensor, pipeline) => {
  it('give every rank what the model gives, for one batch and for several', async () => {
    const batches = [tokens(2, 12, 50, 1, 4), tokens(1, 12, 50, 2), tokens(4, 12, 50, 3, 9)];
    const wanted = batches.map((x) => encoder.predict(x) as tf.Tensor);
    const before = tf.memory().numTensors;
    await simulate(tensor * pipeline, async ({ comm }) => {
      const ranked = await accelerateRanks(encoder, comm, { tensor, pipeline });
      const found = await ranked.predictMany(batches);
      for (const [i, y] of found.entries()) expect(apart(y, wanted[i]!)).toBeLessThan(1e-5);
      const one = await ranked.predict(batches[0]!);
      expect(one.dataSync()).toEqual(found[0]!.dataSync());
      tf.dispose([one, ...found]);
      await ranked.close();
    });
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([...batches, ...wanted]);
  });

  it('write the texts that the model writes, greedily and by chance', async () => {
    const prompts = [[1, 2, 3], [4]];
    const greedy = await generateTokens(decoder, prompts, { maxTokens: 8 });
    const chance = await generateTokens(decoder, prompts, { maxTokens: 8, temperature: 1, seed: 3 });
    await simulate(tensor * pipeline, async ({ comm }) => {
      const ranked = await accelerateRanks(decoder, comm, { tensor, pipeline });
      const both = [
        ranked.generate(prompts, { maxTokens: 8 }),
        ranked.generate(prompts, { maxTokens: 8, temperature: 1, seed: 3 }),
      ]; // not awaited in between
      expect(await Promise.all(both)).toEqual([greedy, chance]);
      await ranked.close();
    });
  });
});

describe('ranks', () => {
  it('that share layers have about half of the matrices each, and the whole of the tables', async () => {
    const { weightBytes: whole } = await accelerate(encoder);
    const table = 4 * 24 * (50 + 12 + 2);
    const { results } = await simulate(2, async ({ comm }) => {
      const { weightBytes } = await accelerateRanks(encoder, comm, { tensor: 2 });
      return weightBytes;
    });
    for (const bytes of results) expect(bytes).toBeLessThan(0.72 * whole);
    for (const bytes of results) expect(bytes).toBeGreaterThan(table);
  });

  it('of a communicator of one are a program alone', async () => {
    const x = tokens(2, 12, 50, 1);
    const [ranked, alone] = [await accelerateRanks(encoder, self()), await accelerate(encoder)];
    const [a, b] = [await ranked.predict(x), alone.predict(x)];
    expect(apart(a, b)).toBe(0);
    tf.dispose([x, a, b]);
  });

  it('that cannot share a model are refused', async () => {
    const refusal = (size: number, options: Parameters<typeof accelerateRanks>[2]): Promise<unknown> =>
      simulate(size, async ({ comm }) => accelerateRanks(encoder, comm, options)).catch(
        (error: unknown) => error,
      );
    const refused: readonly [number, Parameters<typeof accelerateRanks>[2], RegExp][] = [
      [4, { tensor: 4 }, /tensor must be an integer in \[1, 3\]/],
      [2, { tensor: 2, pipeline: 2 }, /must be the number of ranks, 2, got 2 × 2/],
      [4, { pipeline: 4 }, /stages must be an integer in \[1, 3\]/],
      [2, { pipeline: 2, cuts: [0, 3] }, /cuts must rise from 0 to 3/],
      [2, { pipeline: 2, cuts: [0, 3, 3] }, /cuts must rise/],
    ];
    for (const [size, options, message] of refused) {
      const error = await refusal(size, options);
      expect(error).toBeInstanceOf(ArgumentError);
      expect((error as Error).message).toMatch(message);
    }
  });
});

describe('the link', () => {
  it('of simulated ranks is measured as it was given, on all of them', async () => {
    const given = { alpha: 3e-5, beta: 2e-9 };
    const work = async ({ comm, now }: { comm: Parameters<typeof measureLink>[0]; now: () => number }) =>
      measureLink(comm, { now, repeats: 3 });
    const { results } = await simulate(3, work, given);
    for (const { alpha, beta } of results) {
      expect(alpha).toBeCloseTo(given.alpha, 10);
      expect(beta).toBeCloseTo(given.beta, 14);
    }
  });

  it('of one rank, or from one length, is refused', async () => {
    await expect(measureLink(self())).rejects.toThrow(ArgumentError);
    await expect(simulate(2, async ({ comm }) => measureLink(comm, { bytes: [8, 8] }))).rejects.toThrow(
      /two lengths/,
    );
  });
});
