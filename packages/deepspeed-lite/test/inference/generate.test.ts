import * as tf from '@tensorflow/tfjs';
import { AbortedError, ArgumentError, UnsupportedModelError } from '@ockham/core';
import { bert, gpt } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  accelerate,
  generateTokens,
  type Accelerated,
  type GenerateOptions,
} from '../../src/inference/index.ts';
import { greedyToken, sampleToken } from '../../src/inference/sampling.ts';
import { disposeModel } from '../../src/tensor/split-model.ts';
import { shake } from './parity.ts';

let model: tf.LayersModel;
let fast: Accelerated;
const PROMPTS = [[1, 2, 3], [7], [5, 9, 11, 4, 8]];
const texts = (found: readonly Int32Array[]): number[][] => found.map((text) => Array.from(text));

beforeAll(async () => {
  model = shake(
    gpt({ vocabulary: 20, positions: 16, layers: 2, hidden: 16, heads: 2, length: null, seed: 3 }),
    5,
    0.4,
  );
  fast = await accelerate(model);
});
afterAll(() => disposeModel(model));

describe('generation', () => {
  const ways: readonly [string, GenerateOptions][] = [
    ['greedily', {}],
    ['by temperature', { temperature: 0.8, seed: 4 }],
    ['from the 3 highest scores', { temperature: 1.5, topK: 3, seed: 5 }],
    ['from the highest that make 0.7', { temperature: 1, topP: 0.7, seed: 6 }],
  ];
  it.each(ways)('%s gives the tokens of the unfused model, with a cache and without', async (_, options) => {
    const more = { ...options, maxTokens: 11 };
    const before = tf.memory().numTensors;
    const wanted = texts(await generateTokens(model, PROMPTS, more));
    expect(texts(await fast.generate(PROMPTS, more))).toEqual(wanted);
    expect(texts(await fast.generate(PROMPTS, { ...more, cache: false }))).toEqual(wanted);
    expect(tf.memory().numTensors).toBe(before);
    expect(wanted.map((text) => text.length)).toEqual([14, 12, 16]);
    expect(new Set(wanted.flat()).size).toBeGreaterThan(4);
  });

  it('of a text does not depend on the others beside it', async () => {
    const options = { temperature: 1, seed: 4, maxTokens: 9 };
    const [first] = await fast.generate(PROMPTS, options);
    const [alone] = await fast.generate(PROMPTS.slice(0, 1), options);
    expect(alone).toEqual(first);
  });

  it('of models of one fixed length pads what is not there yet', async () => {
    const fixed = gpt({ vocabulary: 20, positions: 16, layers: 2, hidden: 16, heads: 2, seed: 3 });
    fixed.setWeights(model.getWeights());
    const wanted = texts(await generateTokens(model, PROMPTS, { maxTokens: 5 }));
    expect(texts(await generateTokens(fixed, PROMPTS, { maxTokens: 5 }))).toEqual(wanted);
    disposeModel(fixed);
  });

  it('stops a text at a token, and goes on with the others', async () => {
    const [, second] = await fast.generate(PROMPTS, { maxTokens: 8 });
    const stop = second![3]!;
    const found = await fast.generate(PROMPTS, { maxTokens: 8, stop: [stop] });
    const end = second!.indexOf(stop, 1);
    expect(Array.from(found[1]!)).toEqual(Array.from(second!.slice(0, end + 1)));
  });

  it('beyond the positions is refused, or sees the last ones alone', async () => {
    await expect(fast.generate([[1, 2, 3]], { maxTokens: 15 })).rejects.toThrow(/16 positions, got 3 \+ 15/);
    const [text] = await fast.generate([[1, 2, 3]], { maxTokens: 25, overflow: 'slide' });
    expect(text!.length).toBe(28);
    for (const at of [16, 17, 27]) {
      const [next] = await generateTokens(model, [text!.slice(at - 16, at)], { maxTokens: 1 });
      expect(next![16]).toBe(text![at]);
    }
  });

  it('tells every token as it comes, and can be stopped by a signal', async () => {
    const told: [number, number][] = [];
    const controller = new AbortController();
    const run = fast.generate(PROMPTS, {
      maxTokens: 8,
      signal: controller.signal,
      onToken(token, text) {
        told.push([token, text]);
        if (told.length === 6) controller.abort();
      },
    });
    await expect(run).rejects.toThrow(AbortedError);
    const wanted = await fast.generate(PROMPTS, { maxTokens: 2 });
    expect(told).toEqual(
      [3, 4].flatMap((_, step) => PROMPTS.map((prompt, t) => [wanted[t]![prompt.length + step], t])),
    );
  });

  it('while the program predicts something else stays what it is', async () => {
    const wanted = texts(await fast.generate(PROMPTS, { maxTokens: 8 }));
    const others: Promise<unknown>[] = [];
    const found = await fast.generate(PROMPTS, {
      maxTokens: 8,
      onToken() {
        tf.tidy(() => fast.predict(tf.ones([2, 16], 'int32')));
        if (others.length === 0) others.push(fast.generate([[3, 1]], { maxTokens: 12 }));
      },
    });
    expect(texts(found)).toEqual(wanted);
    await Promise.all(others);
  });

  const wrong: readonly [string, readonly number[][], GenerateOptions, RegExp][] = [
    ['no prompt', [], {}, /at least one prompt/],
    ['an empty prompt', [[]], {}, /at least one token/],
    ['a token out of range', [[20]], {}, /integers in \[0, 20\), got 20/],
    ['no tokens to add', [[1]], { maxTokens: 0 }, /maxTokens/],
    ['a negative temperature', [[1]], { temperature: -1 }, /temperature/],
    ['topK 0', [[1]], { topK: 0 }, /topK/],
    ['topP above 1', [[1]], { topP: 1.5 }, /topP/],
  ];
  it.each(wrong)('with %s is refused at the door', async (_, prompts, options, message) => {
    for (const run of [fast.generate(prompts, options), generateTokens(model, prompts, options)]) {
      const error = await run.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ArgumentError);
      expect((error as Error).message).toMatch(message);
    }
  });

  it('with an encoder is refused', async () => {
    const encoder = bert({ layers: 1, hidden: 8, heads: 2, vocabulary: 10, positions: 4, length: 4 });
    await expect(generateTokens(encoder, [[1]])).rejects.toThrow(UnsupportedModelError);
    disposeModel(encoder);
  });
});

describe('choosing a token', () => {
  it('greedily takes the highest score, the first of equal ones', () => {
    expect(greedyToken(Float32Array.of(1, 5, 5, -2))).toBe(1);
    expect(greedyToken(Float32Array.of(-7))).toBe(0);
  });

  it('draws each token as often as its probability says', () => {
    const scores = Float32Array.of(0, Math.log(2), Math.log(5), -Infinity);
    const random = new Random(1);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 8000; i++) counts[sampleToken(scores, { temperature: 1 }, random)]! += 1;
    expect(counts[3]).toBe(0);
    for (const [i, part] of [1 / 8, 2 / 8, 5 / 8].entries())
      expect(Math.abs(counts[i]! / 8000 - part)).toBeLessThan(4 * Math.sqrt((part * (1 - part)) / 8000));
  });

  it('never draws what topK and topP leave out, and always the highest where they leave one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.float({ min: Math.fround(0.05), max: 1, noNaN: true }),
        fc.nat(99),
        (values, topK, topP, seed) => {
          const scores = Float32Array.from(values);
          const token = sampleToken(scores, { temperature: 1, topK, topP }, new Random(seed));
          const higher = values.filter((value) => Math.fround(value) > scores[token]!);
          expect(higher.length).toBeLessThan(topK);
          const sum = (list: readonly number[]): number =>
            list.reduce((total, value) => total + Math.exp(value), 0);
          // those above it do not make topP of what topK keeps
          const kept = [...scores].sort((a, b) => b - a).slice(0, topK);
          expect(sum(higher)).toBeLessThan(topP * sum(kept) + 1e-6);
          expect(sampleToken(scores, { temperature: 1, topK: 1 }, new Random(seed))).toBe(
            greedyToken(scores),
          );
        },
      ),
      { numRuns: 300, seed: 2 },
    );
  });
});
