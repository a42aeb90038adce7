import * as tf from '@tensorflow/tfjs';
import { ArgumentError, UnsupportedModelError } from '@ockham/core';
import { simulate } from '@ockham/core/comm';
import {
  AttentionContext,
  AttentionProbabilities,
  bert,
  CausalMask,
  gpt,
  type BertOptions,
} from '@ockham/core/models';
import { afterEach, describe, expect, it } from 'vitest';
import {
  accelerate,
  accelerateRanks,
  bertPolicy,
  generateTokens,
  gptPolicy,
  type InferencePolicy,
} from '../../src/inference/index.ts';
import { disposeModel } from '../../src/tensor/split-model.ts';
import { apart, shake, tokens } from './parity.ts';

const small = {
  layers: 2,
  hidden: 24,
  heads: 3,
  intermediate: 40,
  vocabulary: 50,
  positions: 12,
  length: 12,
};

/** Runs with the model and ends it; nothing may be left. */
async function withModel<M extends tf.LayersModel>(
  make: () => M,
  work: (model: M) => Promise<void>,
): Promise<void> {
  const before = tf.memory().numTensors;
  const model = make();
  const held = tf.memory().numTensors;
  await work(model);
  expect(tf.memory().numTensors).toBe(held);
  disposeModel(model);
  expect(tf.memory().numTensors).toBe(before);
}

async function expectParity(model: tf.LayersModel, x: tf.Tensor, policy?: InferencePolicy): Promise<void> {
  const fast = await accelerate(model, policy ? { policy } : {});
  const [wanted, found] = [model.predict(x) as tf.Tensor, fast.predict(x)];
  expect(apart(wanted, found)).toBeLessThan(1e-5);
  expect(found.shape).toEqual(wanted.shape);
  fast.dispose();
  tf.dispose([x, wanted, found]);
}

describe('a BERT', () => {
  const heads: readonly [string, BertOptions][] = [
    ['sequence', { head: 'sequence' }],
    ['pooled', { head: 'pooled' }],
    ['classifier', { head: 'classifier', classes: 3 }],
    ['classifier of logits', { head: 'classifier', output: 'logits' }],
    ['regression', { head: 'regression' }],
    ['language-model', { head: 'language-model' }],
    ['language-model of probabilities', { head: 'language-model', output: 'softmax' }],
  ];
  it.each(heads)('with the head %s predicts the same, padding or none', async (_, options) => {
    await withModel(
      () => shake(bert({ ...small, ...options, seed: 3 }), 4),
      async (model) => {
        await expectParity(model, tokens(3, 12, 50, 5));
        await expectParity(model, tokens(4, 12, 50, 6, 7));
      },
    );
  });

  it('of pairs of texts, with tokens of both types and GELU by tanh, predicts the same', async () => {
    await withModel(
      () => shake(bert({ ...small, input: 'ids-and-types', activation: 'gelu-tanh', seed: 3 }), 4),
      async (model) => {
        const ids = tokens(2, 12, 50, 5, 3);
        const types = tf.tensor2d(
          Array.from({ length: 24 }, (_, i) => Number(i % 12 > 6)),
          [2, 12],
          'int32',
        );
        const x = tf.stack([ids, types], 2);
        tf.dispose([ids, types]);
        await expectParity(model, x);
      },
    );
  });

  it('of a text of padding alone, one that begins with padding, and one of one token, predicts the same', async () => {
    await withModel(
      () => shake(bert({ ...small, seed: 3 }), 4),
      async (model) => {
        const rows = [
          new Array<number>(12).fill(0),
          [0, ...new Array<number>(11).fill(7)],
          [9, ...new Array<number>(11).fill(0)],
        ];
        await expectParity(model, tf.tensor2d(rows, [3, 12], 'int32'));
      },
    );
  });

  it('that takes any length predicts the same for each', async () => {
    await withModel(
      () => shake(bert({ ...small, length: null, seed: 3 }), 4),
      async (model) => {
        for (const length of [1, 2, 7]) await expectParity(model, tokens(2, length, 50, length));
      },
    );
  });

  it('of sizes that fill no vector and no panel predicts the same', async () => {
    await withModel(
      () =>
        shake(bert({ ...small, hidden: 15, heads: 5, intermediate: 13, head: 'language-model', seed: 3 }), 4),
      async (model) => expectParity(model, tokens(3, 12, 50, 5, 2)),
    );
  });
});

describe('a GPT', () => {
  it('predicts the same, for one text and for several', async () => {
    const { vocabulary, positions, layers, hidden, heads } = small;
    await withModel(
      () => shake(gpt({ vocabulary, positions, layers, hidden, heads, length: null, seed: 3 }), 4),
      async (model) => {
        await expectParity(model, tokens(1, 12, 50, 5));
        await expectParity(model, tokens(3, 7, 50, 5));
      },
    );
  });
});

/** A model of one's own: two layers of other widths, fewer heads than width, no positions, ReLU, stock normalisation. */
function ownModel(): tf.LayersModel {
  const { layers } = tf;
  const tokensIn = tf.input({ shape: [6], dtype: 'int32' });
  const apply = (layer: tf.layers.Layer, ...x: tf.SymbolicTensor[]): tf.SymbolicTensor =>
    layer.apply(x.length === 1 ? x[0]! : x) as tf.SymbolicTensor;
  const mask = apply(new CausalMask({ name: 'mask' }), tokensIn);
  let x = apply(layers.embedding({ name: 'tokens', inputDim: 20, outputDim: 12 }), tokensIn);
  for (const [i, inner, wide] of [
    [0, 4, 10],
    [1, 6, 30],
  ] as const) {
    // prettier-ignore
    const dense = (name: string, units: number, from: tf.SymbolicTensor, useBias = true): tf.SymbolicTensor =>
      apply(layers.dense({ name: `${name}${i}`, units, useBias }), from);
    const norm = (name: string, ...terms: tf.SymbolicTensor[]): tf.SymbolicTensor =>
      apply(layers.layerNormalization({ name: `${name}${i}`, epsilon: 1e-3 }), apply(layers.add(), ...terms));
    const [q, k, v] = ['q', 'k', 'v'].map((name) => dense(name, inner, x, name !== 'k')) as [tf.SymbolicTensor, tf.SymbolicTensor, tf.SymbolicTensor]; // prettier-ignore
    const heads = 2;
    const seen = apply(new AttentionProbabilities({ heads }), q, k, mask);
    x = norm('sum', x, dense('back', 12, apply(new AttentionContext({ heads }), seen, v)));
    const up = apply(layers.reLU(), dense('up', wide, x));
    x = norm('end', x, dense('down', 12, up));
  }
  return tf.model({ inputs: tokensIn, outputs: apply(layers.dense({ name: 'scores', units: 20 }), x) });
}

const ownPolicy: InferencePolicy = {
  attention: 'causal',
  normalisation: 'after',
  activation: 'relu',
  input: 'ids',
  embeddings: { words: 'tokens' },
  layers: [0, 1].map((i) => ({
    heads: 2,
    ...{
      query: `q${i}`,
      key: `k${i}`,
      value: `v${i}`,
      attentionOutput: `back${i}`,
      attentionNorm: `sum${i}`,
    },
    ...{ expand: `up${i}`, project: `down${i}`, feedForwardNorm: `end${i}` },
  })),
  head: { rows: 'all', layers: [{ dense: 'scores' }] },
};

describe('a policy', () => {
  it('filled for a model of one’s own makes it predict and write the same', async () => {
    await withModel(
      () => shake(ownModel(), 4),
      async (model) => {
        await expectParity(model, tokens(3, 6, 20, 5), ownPolicy);
        const fast = await accelerate(model, { policy: ownPolicy });
        const prompts = [[1, 2], [3]];
        const wanted = await generateTokens(model, prompts, { maxTokens: 4 });
        expect(await fast.generate(prompts, { maxTokens: 4 })).toEqual(wanted);
        const { results } = await simulate(2, async ({ comm }) => {
          const ranked = await accelerateRanks(model, comm, { policy: ownPolicy });
          return ranked.generate(prompts, { maxTokens: 4 });
        });
        expect(results).toEqual([wanted, wanted]);
      },
    );
  });

  const base = (): tf.LayersModel => gpt({ ...small, seed: 3 });

  it('of one’s own names the columns of a layer that holds query, key and value', async () => {
    await withModel(
      () => shake(base(), 4),
      async (model) => {
        // the same model, named otherwise
        const policy = gptPolicy(model);
        const first = policy.layers[0]!;
        const columns = (layer: string): { layer: string; columns: [number, number] } => ({
          layer,
          columns: [0, 24],
        });
        const own: InferencePolicy = {
          ...policy,
          layers: [
            { ...first, query: columns('h_0/attn/query'), value: columns('h_0/attn/value') },
            policy.layers[1]!,
          ],
          norm: { layer: 'ln_f', epsilon: 1e-5 },
        };
        await expectParity(model, tokens(2, 12, 50, 5), own);
      },
    );
  });

  it('may be a function of the model, or a name', async () => {
    await withModel(base, async (model) => {
      const fast = await accelerate(model, { policy: (given) => gptPolicy(given) });
      expect(fast.policy).toEqual(gptPolicy(model));
      expect((await accelerate(model, { policy: 'gpt' })).policy).toEqual(fast.policy);
    });
  });

  const wrong: readonly [string, (policy: InferencePolicy) => unknown, RegExp][] = [
    [
      'a layer that is not there',
      (p) => ({ ...p, norm: 'ln_last' }),
      /norm must name a layer of gpt, got 'ln_last'/,
    ],
    ['no layers', (p) => ({ ...p, layers: [] }), /at least one layer/],
    ['heads that do not divide', (p) => ({ ...p, layers: p.layers.map((l) => ({ ...l, heads: 5 })) }), /heads must be a divisor/], // prettier-ignore
    ['shapes that disagree', (p) => ({ ...p, layers: p.layers.map((l) => ({ ...l, key: 'h_0/mlp/expand' })) }), /layers\[0\]\.key: h_0\/mlp\/expand must have 24 outputs/], // prettier-ignore
    ['a matrix of other inputs', (p) => ({ ...p, layers: p.layers.map((l) => ({ ...l, query: 'h_0/mlp/project' })) }), /layers\[0\]\.query: h_0\/mlp\/project must have a matrix \[24, outputs\]/], // prettier-ignore
    ['columns out of range', (p) => ({ ...p, layers: p.layers.map((l) => ({ ...l, query: { layer: 'h_0/attn/query', columns: [8, 40] } })) }), /columns of h_0\/attn\/query must be in \[0, 24\]/], // prettier-ignore
    ['a weight without a role', (p) => ({ ...p, layers: p.layers.slice(1) }), /must play a role, but the layer h_0\/ln_1 plays none/], // prettier-ignore
    ['a norm without epsilon', (p) => ({ ...p, norm: 'h_0/mlp/expand' }), /must have gamma and beta/],
    ['a table of another width', (p) => ({ ...p, embeddings: { words: 'wte', positions: 'h_0/mlp/expand' } }), /must have one table \[rows, 24\]/], // prettier-ignore
    ['padding of a causal model', (p) => ({ ...p, padding: 0 }), /causal model must have no padding/],
    ['a bias of a layer that has one', (p) => ({ ...p, head: { rows: 'all', layers: [{ dense: 'h_0/attn/query', bias: 'ln_f' }] } }), /bias of its own/], // prettier-ignore
  ];
  it.each(wrong)('with %s is refused by name', async (_, spoil, message) => {
    await withModel(base, async (model) => {
      const policy = spoil(gptPolicy(model)) as InferencePolicy;
      const refusal = await accelerate(model, { policy }).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(UnsupportedModelError);
      expect((refusal as Error).message).toMatch(message);
    });
  });

  const different: readonly [string, (policy: InferencePolicy) => InferencePolicy][] = [
    [
      'two roles exchanged',
      (p) => ({ ...p, layers: p.layers.map((l) => ({ ...l, query: l.value, value: l.query })) }),
    ],
    ['the other order of normalisation', (p) => ({ ...p, normalisation: 'after' })],
    ['another activation', (p) => ({ ...p, activation: 'relu' })],
    ['attention to all', (p) => ({ ...p, attention: 'all' })],
  ];
  it.each(different)('with %s fails the check against the model, which can be skipped', async (_, spoil) => {
    await withModel(
      () => shake(base(), 4),
      async (model) => {
        const policy = spoil(gptPolicy(model));
        await expect(accelerate(model, { policy })).rejects.toThrow(/must answer as gpt does/);
        (await accelerate(model, { policy, check: false })).dispose();
      },
    );
  });

  it('is needed for a model with other names', async () => {
    const model = tf.sequential({
      layers: [tf.layers.embedding({ inputDim: 5, outputDim: 3, inputLength: 4 })],
    });
    await expect(accelerate(model)).rejects.toThrow(/Pass an InferencePolicy/);
    expect(() => bertPolicy(model)).toThrow(UnsupportedModelError);
    model.dispose();
  });
});

describe('what does not fit', () => {
  afterEach(() => tf.disposeVariables());
  const model = (): tf.LayersModel => bert({ ...small, seed: 3 });

  it('is refused at the door: shapes, ids, types', async () => {
    const fast = await accelerate(model());
    const refused: readonly [tf.Tensor, RegExp][] = [
      [tf.zeros([2, 12, 2], 'int32'), /must be \[batch, length\]/],
      [tf.zeros([2, 13], 'int32'), /at most 12 tokens/],
      [tf.zeros([0, 12], 'int32'), /at least one text/],
      [tf.fill([1, 12], 50, 'int32'), /integers in \[0, 50\), got 50/],
      [tf.fill([1, 12], -1, 'int32'), /got -1/],
      [tf.fill([1, 12], 0.5), /got 0.5/],
      [tf.fill([1, 12], NaN), /got NaN/],
    ];
    for (const [x, message] of refused) {
      expect(() => fast.predict(x)).toThrow(ArgumentError);
      expect(() => fast.predict(x)).toThrow(message);
    }
    const pairs = await accelerate(bert({ ...small, input: 'ids-and-types', seed: 3 }));
    expect(() => pairs.predict(tf.fill([1, 12, 2], 3, 'int32'))).toThrow(
      /types must be integers in \[0, 2\)/,
    );
  });

  it('a tolerance that is none, a disposed model, a disposed program, generation with an encoder', async () => {
    const one = model();
    await expect(accelerate(one, { check: { tolerance: 0 } })).rejects.toThrow(ArgumentError);
    const fast = await accelerate(one);
    one.dispose();
    const y = fast.predict(tf.ones([1, 12], 'int32')); // the program has weights of its own
    expect(y.shape).toEqual([1, 2]);
    await expect(fast.generate([[1]])).rejects.toThrow(UnsupportedModelError);
    fast.dispose();
    expect(() => fast.predict(tf.ones([1, 12], 'int32'))).toThrow(/got one that was disposed/);
    await expect(accelerate(one)).rejects.toThrow(/disposed/);
  });
});

describe('memory', () => {
  it('of weights is that of their numbers, panels filled up', async () => {
    await withModel(
      () => bert({ ...small, seed: 3 }),
      async (model) => {
        const numbers = model.countParams();
        const { weightBytes } = await accelerate(model);
        expect(weightBytes).toBeGreaterThanOrEqual(4 * numbers);
        expect(weightBytes).toBeLessThan(1.2 * 4 * numbers + 128 * model.weights.length);
      },
    );
  });
});
