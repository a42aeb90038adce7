import * as tf from '@tensorflow/tfjs';
import { bert } from '@ockham/core/models';
import { trainableVariables } from '@ockham/core/training';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitModel, type SplitModel } from '../src/tensor/split-model.ts';
import { lockstep } from './lockstep.ts';

const seeded = (seed: number) => tf.initializers.glorotNormal({ seed });

function mlp(hidden: number): tf.LayersModel {
  const model = tf.sequential({ name: 'small' });
  model.add(
    tf.layers.dense({ inputShape: [6], units: hidden, activation: 'sigmoid', kernelInitializer: seeded(1) }),
  );
  model.add(tf.layers.leakyReLU());
  model.add(
    tf.layers.dense({
      units: 5,
      activation: 'tanh',
      kernelInitializer: seeded(2),
      biasInitializer: seeded(3),
      name: 'second',
    }),
  );
  model.add(tf.layers.dense({ units: 3, activation: 'softmax', kernelInitializer: seeded(4) }));
  return model;
}

const tiny = (options: Parameters<typeof bert>[0] = {}) =>
  bert({
    vocabulary: 37,
    hidden: 20,
    layers: 2,
    heads: 5,
    intermediate: 18,
    positions: 8,
    length: 8,
    dropout: 0,
    attentionDropout: 0,
    seed: 3,
    ...options,
  });

const tokens = (seed: number) => tf.randomUniform([4, 8], 0, 37, 'int32', seed);

/** The whole weights of a model from the parts of all ranks. */
function assemble(
  whole: tf.LayersModel,
  split: readonly SplitModel[],
  valuesOf: (r: number, weight: number) => Float32Array,
): Map<string, Float32Array> {
  const made = new Map<string, Float32Array>();
  for (const [r, { parts }] of split.entries())
    for (const [w, { layer, weight, shape, axis, begin, end }] of parts.entries()) {
      const name = `${layer}/${weight}`;
      const size = shape.reduce((product, d) => product * d, 1);
      const target = made.get(name) ?? new Float32Array(size).fill(NaN);
      made.set(name, target);
      const values = valuesOf(r, w);
      if (axis === undefined) {
        target.set(values);
        continue;
      }
      const inner = shape.slice(axis + 1).reduce((product, d) => product * d, 1);
      const outer = size / inner / shape[axis]!;
      const width = (end - begin) * inner;
      for (let o = 0; o < outer; o++)
        target.set(values.subarray(o * width, (o + 1) * width), (o * shape[axis]! + begin) * inner);
    }
  expect([...made.keys()].sort()).toEqual(
    whole.layers.flatMap((layer) => layer.weights.map((_, i) => `${layer.name}/${i}`)).sort(),
  );
  return made;
}

const close = (a: ArrayLike<number>, b: ArrayLike<number>, within: number) => {
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  expect(worst).toBeLessThanOrEqual(within);
};

const models: [string, () => tf.LayersModel, () => tf.Tensor][] = [
  ['a sequential model', () => mlp(7), () => tf.randomNormal([4, 6], 0, 1, 'float32', 5)],
  ['BERT', () => tiny({ classes: 3 }), () => tokens(6)],
  ['BERT with a tied vocabulary', () => tiny({ head: 'language-model', output: 'logits' }), () => tokens(7)],
];

/** TensorFlow.js forgets the weights of layers that are called twice. */
function disposeModel(model: tf.LayersModel): void {
  const variables = new Set(model.weights.map((weight) => weight.read() as tf.Variable));
  model.dispose();
  for (const variable of variables) if (!variable.isDisposed) variable.dispose();
}

describe.each(models)('%s', (_, build, given) => {
  it.each([1, 2, 3, 5])('on %i ranks gives the outputs and the gradients of the whole', (ranks) => {
    const before = tf.memory().numTensors;
    const whole = build();
    const split = Array.from({ length: ranks }, (_, rank) => splitModel(whole, rank, ranks));
    tf.tidy(() => {
      const x = given();
      const expected = whole.apply(x) as tf.Tensor;
      const weights = tf.randomNormal(expected.shape, 0, 1, 'float32', 9);
      const outputs = lockstep(
        split.map(({ model }) => model),
        x,
      );
      for (const output of outputs) close(output.dataSync(), expected.dataSync(), 2e-6);

      const score = (y: tf.Tensor) => tf.sum<tf.Scalar>(tf.mul(y, weights));
      const wanted = tf.variableGrads(
        () => score(whole.apply(x) as tf.Tensor),
        trainableVariables(whole),
      ).grads;
      const variables = split.flatMap(({ model }) => trainableVariables(model));
      const got = tf.variableGrads(
        () =>
          score(
            lockstep(
              split.map(({ model }) => model),
              x,
            )[0]!,
          ),
        variables,
      ).grads;
      // what all ranks have whole gets its gradient on the way of rank 0 alone, or a part of it from each: the sum
      const whole0 = assemble(whole, split, (r, w) => {
        const { model, parts } = split[r]!;
        const name = (model.weights[w]!.read() as tf.Variable).name;
        const own =
          (got[name]?.dataSync() as Float32Array | undefined) ??
          new Float32Array(model.weights[w]!.read().size);
        if (parts[w]!.axis !== undefined) return own;
        return split.reduce((sum, other) => {
          const gradient = got[(other.model.weights[w]!.read() as tf.Variable).name]?.dataSync();
          return gradient ? sum.map((value, i) => value + gradient[i]!) : sum;
        }, new Float32Array(own.length));
      });
      for (const layer of whole.layers)
        for (const [i, weight] of layer.weights.entries())
          close(
            whole0.get(`${layer.name}/${i}`)!,
            wanted[(weight.read() as tf.Variable).name]!.dataSync(),
            2e-5,
          );
    });
    for (const { model } of split) disposeModel(model);
    disposeModel(whole);
    expect(tf.memory().numTensors).toBe(before);
  });
});

it('cuts heads, units and tokens into shares that differ by one at most', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 7 }), fc.integer({ min: 2, max: 4 }), (hidden, ranks) => {
      fc.pre(hidden >= ranks);
      const whole = mlp(hidden);
      const split = Array.from({ length: ranks }, (_, rank) => splitModel(whole, rank, ranks));
      const sizes = split.map(({ parts }) => parts[0]!.end - parts[0]!.begin);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(hidden);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      for (const { model } of split) model.dispose();
      whole.dispose();
    }),
    { numRuns: 12 },
  );
});

it('shares one marker among the projections of attention, so that their gradient travels once', () => {
  const whole = tiny({ classes: 2 });
  const { model, plan } = splitModel(whole, 0, 2);
  const kinds = model.layers.map((layer) => layer.getClassName());
  // two of each in a layer, one for pooler and classifier; tables have a sum only
  expect(kinds.filter((kind) => kind === 'CopyToRanks')).toHaveLength(2 * 2 + 1);
  expect(kinds.filter((kind) => kind === 'ReduceFromRanks')).toHaveLength(2 * 2 + 1 + 2);
  expect([...plan.whole]).toEqual([]);
  for (const one of [model, whole]) one.dispose();
});

describe('what cannot be split', () => {
  it('is refused with the reason of every layer', () => {
    const model = tf.sequential({ name: 'one' });
    model.add(tf.layers.dense({ inputShape: [2], units: 3, activation: 'softmax', name: 'only' }));
    expect(() => splitModel(model, 0, 2)).toThrow(
      /no layer of one can be split on 2 ranks; only: its softmax needs the whole/,
    );
    model.dispose();
  });

  it('stays whole with its reason', () => {
    const whole = mlp(2);
    expect(() => splitModel(whole, 0, 6)).toThrow(/it has 2 units, fewer than the 6 ranks/);
    const { model, plan } = splitModel(whole, 0, 3);
    expect([...plan.splits.keys()]).toEqual(['second', whole.layers[3]!.name]);
    expect([...plan.whole.values()]).toEqual(['it has 2 units, fewer than the 3 ranks']);
    for (const one of [model, whole]) one.dispose();
  });

  it.each([
    [2, 2],
    [-1, 2],
    [0.5, 2],
    [0, 0],
  ])('such as rank %d of %d is refused', (rank, ranks) => {
    expect(() => splitModel({} as tf.LayersModel, rank, ranks)).toThrow(
      /rank must be an integer in \[0, ranks\)/,
    );
  });
});
