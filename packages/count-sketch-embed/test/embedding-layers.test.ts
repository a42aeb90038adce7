import { ArgumentError } from '@ockham/core';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  CompressedEmbedding,
  CountSketchEmbedding,
  EelbertEmbedding,
  HashEmbedding,
  MixedDimensionEmbedding,
  NanoEmbedding,
  QuotientRemainderEmbedding,
  RobeEmbedding,
  TableEmbedding,
  TensorTrainEmbedding,
  type Triple,
} from '../src/layers/index.ts';

const syllables = ['ba', 'do', 'kel', 'mi', 'run', 'ster', 'ing', 'a'];
const wordsOf = (n: number) =>
  Array.from(
    { length: n },
    (_, x) => `${syllables[x % 8]}${syllables[(x >> 3) % 8]}${syllables[(x >> 6) % 8]}`,
  );

interface Settings {
  readonly vocabulary: number;
  readonly dimension: number;
  readonly seed?: number;
  readonly deviation?: number;
}

const trainFactors = (v: number, d: number) => ({
  vocabulary: [2, 3, Math.ceil(v / 6)] as Triple,
  dimension: [1, d, 1] as Triple,
});

/** Every form, each for any vocabulary and dimension. */
const forms: [string, (settings: Settings) => CompressedEmbedding][] = [
  ['the plain table', (s) => new TableEmbedding(s)],
  ['a count-sketch by medians of 3', (s) => new CountSketchEmbedding({ rows: 13, ...s })],
  [
    'a count-sketch by medians of 4, heavy hitters apart',
    (s) => new CountSketchEmbedding({ rows: 13, hashes: 4, heavyHitters: [4, 0], ...s }),
  ],
  [
    'a count-sketch by means, without signs',
    (s) => new CountSketchEmbedding({ rows: 13, hashes: 2, estimator: 'mean', signs: false, ...s }),
  ],
  [
    'a count-sketch by medians of means',
    (s) => new CountSketchEmbedding({ rows: 13, hashes: 6, groups: 3, estimator: 'median-of-means', ...s }),
  ],
  ['one hash', (s) => new HashEmbedding({ rows: 17, heavyHitters: [2], ...s })],
  ['one hash with signs', (s) => new HashEmbedding({ rows: 17, signs: true, ...s })],
  ['one hash with signs of coordinates', (s) => new HashEmbedding({ rows: 17, signs: 'coordinate', ...s })],
  [
    'a count-sketch by medians, with signs of coordinates',
    (s) => new CountSketchEmbedding({ rows: 13, signs: 'coordinate', heavyHitters: [4], ...s }),
  ],
  [
    'a count-sketch by means, with signs of coordinates',
    (s) => new CountSketchEmbedding({ rows: 13, estimator: 'mean', signs: 'coordinate', ...s }),
  ],
  ['ROBE-D', (s) => new RobeEmbedding({ size: 101, ...s })],
  ['ROBE-Z', (s) => new RobeEmbedding({ size: 64, block: Math.ceil(s.dimension / 2), ...s })],
  ['ROBE-1 without signs', (s) => new RobeEmbedding({ size: 50, block: 1, signs: false, ...s })],
  ['quotient times remainder', (s) => new QuotientRemainderEmbedding({ buckets: 7, ...s })],
  ['quotient plus remainder', (s) => new QuotientRemainderEmbedding({ combine: 'add', ...s })],
  ['quotient beside remainder', (s) => new QuotientRemainderEmbedding({ combine: 'concatenate', ...s })],
  [
    'mixed dimensions',
    (s) =>
      new MixedDimensionEmbedding({
        blocks: [
          { tokens: 3, width: s.dimension },
          { tokens: 5, width: 2 },
          { tokens: s.vocabulary - 8, width: 1 },
        ],
        ...s,
      }),
  ],
  ['a tensor train', (s) => new TensorTrainEmbedding({ ranks: [3, 2], ...s })],
  [
    'a tensor train of given factors',
    (s) =>
      new TensorTrainEmbedding({ ranks: [2, 4], factors: trainFactors(s.vocabulary, s.dimension), ...s }),
  ],
  ['NanoBERT', (s) => new NanoEmbedding({ inner: 4, ...s })],
  [
    'NanoBERT with a hidden layer',
    (s) => new NanoEmbedding({ inner: 4, hidden: 6, activation: 'tanh', ...s }),
  ],
  [
    'NanoBERT under LoRA',
    (s) => new NanoEmbedding({ inner: 4, hidden: 5, lora: { rank: 2, alpha: 4 }, ...s }),
  ],
  ['EELBERT', (s) => new EelbertEmbedding({ words: wordsOf(s.vocabulary), ...s, cache: 3 })],
  [
    'EELBERT with a projection',
    (s) => new EelbertEmbedding({ words: wordsOf(s.vocabulary), project: true, inner: 7, ...s }),
  ],
];

const settings: Settings = { vocabulary: 50, dimension: 4, seed: 5, deviation: 0.5 };

function built<L extends CompressedEmbedding>(layer: L): L {
  layer.apply(tf.input({ shape: [null], dtype: 'int32' }));
  return layer;
}

const vectorsOf = (layer: CompressedEmbedding, ids: number[]) =>
  tf.tidy(() => (layer.apply(tf.tensor1d(ids, 'int32')) as tf.Tensor).dataSync() as Float32Array);

const ids = [0, 3, 7, 49, 3, 11, 4, 2];

describe.each(forms)('%s', (_, create) => {
  beforeAll(async () => {
    await tf.ready();
  });

  it('gives the rows of its plain form, for ids of any shape', () => {
    const layer = built(create(settings));
    const result = tf.tidy(() => {
      const vectors = layer.apply(tf.tensor3d(ids, [2, 2, 2], 'int32')) as tf.Tensor;
      expect(vectors.shape).toEqual([2, 2, 2, 4]);
      return vectors.dataSync();
    });
    layer.rowsOf(ids).forEach((value, i) => expect(result[i]).toBeCloseTo(value, 5));
    expect([...layer.rowsOf([])]).toEqual([]);
    const none = tf.tidy(() => layer.apply(tf.zeros([0, 2], 'int32')) as tf.Tensor);
    expect(none.shape).toEqual([0, 2, 4]);
    none.dispose();
    layer.dispose();
  });

  it('has the numeric gradient in every trainable weight, zero outside the rows it calls touched', () => {
    const layer = built(create(settings));
    if (layer.trainableWeights.length === 0) return;
    const batch = [1, 2, 2, 30, 9];
    const direction = tf.randomNormal([batch.length, 4], 0, 1, 'float32', 3);
    const turn = direction.dataSync();
    const at = tf.tensor1d(batch, 'int32');
    const weights = layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const { value, grads } = tf.variableGrads(
      () => tf.sum<tf.Scalar>(tf.mul(layer.apply(at) as tf.Tensor, direction)),
      weights,
    );
    // differences of the plain form, which sums in doubles
    const loss = () => layer.rowsOf(batch).reduce((sum, v, i) => sum + v * turn[i]!, 0);
    const touched = layer.touched(batch);
    for (const weight of layer.trainableWeights) {
      const variable = weight.read() as tf.Variable;
      const gradient = grads[variable.name]!.dataSync();
      const values = variable.dataSync().slice();
      const width = values.length / variable.shape[0];
      const index = layer.weights.indexOf(weight);
      const rows = new Set(touched.find((of) => of.weight === index)!.rows);
      for (let i = 0; i < values.length; i++) {
        if (!rows.has(Math.floor(i / width))) {
          expect(gradient[i]).toBe(0);
          continue;
        }
        if (i % Math.ceil(values.length / 60) !== 0) continue;
        const moved = (step: number) => {
          tf.tidy(() =>
            variable.assign(
              tf.tensor(
                values.map((v, k) => (k === i ? v + step : v)),
                variable.shape,
              ),
            ),
          );
          return loss();
        };
        // a small step: no two rows may change places in a median
        const numeric = (moved(2e-4) - moved(-2e-4)) / 4e-4;
        expect(Math.abs(numeric - gradient[i]!)).toBeLessThan(2e-3 * (1 + Math.abs(numeric)));
      }
      tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
    }
    tf.dispose([value, ...Object.values(grads), direction, at]);
    layer.dispose();
  });

  it('has gradients for all its weights whatever the batch', () => {
    const layer = built(create(settings));
    const weights = layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
    if (weights.length === 0) return;
    for (const id of [0, 49]) {
      const { value, grads } = tf.tidy(() =>
        tf.variableGrads(
          () => tf.sum<tf.Scalar>(layer.apply(tf.tensor1d([id], 'int32')) as tf.Tensor),
          weights,
        ),
      );
      expect(Object.keys(grads)).toHaveLength(weights.length);
      for (const variable of weights) expect(grads[variable.name]!.shape).toEqual(variable.shape);
      tf.dispose([value, grads]);
    }
    layer.dispose();
  });

  it('is the same after a model with it was saved and loaded', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.inputLayer({ inputShape: [2], dtype: 'int32' }),
        create(settings),
        tf.layers.flatten(),
        tf.layers.dense({ units: 1, kernelInitializer: tf.initializers.glorotNormal({ seed: 1 }) }),
      ],
    });
    const find = (of: tf.LayersModel) => of.layers.find((layer) => layer instanceof CompressedEmbedding)!;
    const embedding = find(model);
    // values that no seed gives
    embedding.setWeights(embedding.getWeights().map((w) => tf.mul(w, 1.5)));
    let saved: tf.io.ModelArtifacts | undefined;
    await model.save(
      tf.io.withSaveHandler((artifacts) => {
        saved = JSON.parse(JSON.stringify({ ...artifacts, weightData: null })) as tf.io.ModelArtifacts;
        saved.weightData = artifacts.weightData!;
        return Promise.resolve({
          modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' as const },
        });
      }),
    );
    const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved!));
    const again = find(loaded);
    expect([...again.rowsOf(ids)]).toEqual([...embedding.rowsOf(ids)]);
    expect(again.getConfig()).toEqual(embedding.getConfig());
    model.dispose();
    loaded.dispose();
  });

  it('depends on its seed alone', () => {
    const [one, same, other] = [5, 5, 6].map((seed) => built(create({ ...settings, seed })));
    expect([...one!.rowsOf(ids)]).toEqual([...same!.rowsOf(ids)]);
    expect([...one!.rowsOf(ids)]).not.toEqual([...other!.rowsOf(ids)]);
    for (const layer of [one, same, other]) layer!.dispose();
  });

  it('leaks no tensor, neither in a call nor in a step of training', () => {
    const before = tf.memory().numTensors;
    const layer = built(create(settings));
    const { length } = layer.weights;
    vectorsOf(layer, ids);
    expect(tf.memory().numTensors).toBe(before + length);
    const weights = layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
    if (weights.length > 0) {
      tf.tidy(() => {
        tf.variableGrads(
          () => tf.sum<tf.Scalar>(layer.apply(tf.tensor1d(ids, 'int32')) as tf.Tensor),
          weights,
        );
      });
    }
    expect(tf.memory().numTensors).toBe(before + length);
    layer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('counts the numbers of its weights and no fewer bytes', () => {
    const layer = built(create(settings));
    const held = layer.weights.reduce((sum, { shape }) => sum + shape.reduce<number>((p, n) => p * n!, 1), 0);
    expect(layer.parameters).toBe(held);
    expect(layer.storedBytes).toBeGreaterThanOrEqual(4 * held);
    expect(layer.storedBytes).toBeLessThan(4 * held + 100);
    layer.dispose();
  });

  it('starts with embeddings of the deviation asked for', () => {
    const vocabulary = 400;
    let [squares, total] = [0, 0];
    for (let seed = 0; seed < 12; seed++) {
      const layer = built(create({ vocabulary, dimension: 12, seed, deviation: 0.02 }));
      for (const value of layer.rowsOf(Array.from({ length: vocabulary }, (_, x) => x))) {
        squares += value * value;
        total += 1;
      }
      layer.dispose();
    }
    const ratio = Math.sqrt(squares / total) / 0.02;
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.25);
  });

  it('names an id out of range, a fraction and NaN, each with its place', () => {
    const layer = built(create(settings));
    const call = (id: number) => () =>
      tf.tidy(() => layer.apply(tf.tensor2d([0, 1, 2, id], [2, 2])) as tf.Tensor);
    expect(call(50)).toThrow(/ids must be integers in \[0, 50\), got 50 at \[1, 1\]/);
    expect(call(-1)).toThrow(/got -1 at \[1, 1\]/);
    expect(call(1.5)).toThrow(/got 1.5 at \[1, 1\]/);
    expect(call(NaN)).toThrow(/got NaN at \[1, 1\]/);
    layer.dispose();
  });

  it('refuses sizes below 1 and a deviation that is no number above 0', () => {
    for (const wrong of [{ dimension: 0 }, { dimension: 2.5 }, { deviation: 0 }, { deviation: NaN }]) {
      expect(() => create({ ...settings, ...wrong })).toThrow(ArgumentError);
    }
  });
});

describe('embedding layers', () => {
  it('refuse what their forms cannot have, and say the rule', () => {
    const [vocabulary, dimension] = [50, 4];
    const refused: [() => unknown, RegExp][] = [
      [
        () => new CountSketchEmbedding({ vocabulary, dimension, rows: 0 }),
        /rows must be an integer ≥ 1, got 0/,
      ],
      [() => new CountSketchEmbedding({ vocabulary, dimension, rows: 3, hashes: 0 }), /hashes .* ≥ 1, got 0/],
      [
        () => new CountSketchEmbedding({ vocabulary, dimension, rows: 3, groups: 2 }),
        /divide hashes = 3, got 2/,
      ],
      [() => new HashEmbedding({ vocabulary, dimension, rows: 0 }), /HashEmbedding: rows .* got 0/],
      [
        () => new HashEmbedding({ vocabulary, dimension, rows: 3, heavyHitters: [50] }),
        /different ids .* got 50/,
      ],
      [() => new HashEmbedding({ vocabulary, dimension, rows: 3, heavyHitters: [5, 5] }), /got one twice/],
      [() => new RobeEmbedding({ vocabulary, dimension, size: 0 }), /size must be an integer ≥ 1, got 0/],
      [
        () => new RobeEmbedding({ vocabulary, dimension, size: 3 }),
        /block must be at most .* size = 3, got 4/,
      ],
      [() => new RobeEmbedding({ vocabulary, dimension, size: 9, block: 5 }), /dimension = 4 .* got 5/],
      [
        () => new QuotientRemainderEmbedding({ vocabulary, dimension, buckets: 51 }),
        /at most vocabulary = 50, got 51/,
      ],
      [
        () => new QuotientRemainderEmbedding({ vocabulary, dimension: 1, combine: 'concatenate' }),
        /at least 2/,
      ],
      [
        () => new QuotientRemainderEmbedding({ vocabulary, dimension, combine: 'divide' as 'add' }),
        /one of multiply, add, concatenate, got divide/,
      ],
      [
        () => new MixedDimensionEmbedding({ vocabulary, dimension, blocks: [{ tokens: 49, width: 4 }] }),
        /cover the vocabulary of 50 tokens, got 49/,
      ],
      [
        () => new MixedDimensionEmbedding({ vocabulary, dimension, blocks: [{ tokens: 50, width: 5 }] }),
        /width must be at most dimension = 4, got 5/,
      ],
      [() => new TensorTrainEmbedding({ vocabulary, dimension, ranks: [0, 1] }), /ranks .* got 0/],
      [
        () =>
          new TensorTrainEmbedding({
            vocabulary,
            dimension,
            factors: { vocabulary: [3, 4, 4], dimension: [1, 2, 2] },
          }),
        /got 3·4·4 = 48 and 1·2·2 = 4/,
      ],
      [() => new NanoEmbedding({ vocabulary, dimension, inner: 0 }), /inner .* got 0/],
      [() => new NanoEmbedding({ vocabulary, dimension, hidden: -1 }), /hidden .* got -1/],
      [() => new NanoEmbedding({ vocabulary, dimension, lora: { rank: 0 } }), /lora.rank .* got 0/],
      [() => new EelbertEmbedding({ words: [], dimension }), /vocabulary must be an integer ≥ 1, got 0/],
      [() => new EelbertEmbedding({ words: ['a', ''], dimension }), /an empty one at 1/],
      [() => new EelbertEmbedding({ words: ['a'], vocabulary: 2, dimension }), /number of words, 1, got 2/],
      [() => new EelbertEmbedding({ words: ['a'], dimension, inner: 3 }), /Set project: true/],
    ];
    for (const [create, message] of refused) {
      expect(create).toThrow(ArgumentError);
      expect(create).toThrow(message);
    }
  });

  it('warn with both sizes where they hold more than the table they replace', () => {
    const small = new CountSketchEmbedding({ vocabulary: 50, dimension: 4, rows: 10 });
    expect(small.warnings).toEqual([]);
    const large = new CountSketchEmbedding({ vocabulary: 50, dimension: 4, rows: 20 });
    expect(large.warnings).toEqual([
      expect.stringMatching(/holds 240 numbers, more than the 200 of the plain table/),
    ]);
  });

  it('take LoRA on a NanoBERT table without a change at first, and merge it into the kernel', () => {
    const before = tf.memory().numTensors;
    for (const hidden of [0, 5]) {
      const base = built(new NanoEmbedding({ ...settings, inner: 4, hidden }));
      const tuned = built(base.withLora({ rank: 2, alpha: 6 }, 9));
      expect(tuned.trainableWeights.map(({ shape }) => shape)).toEqual([
        [hidden || 4, 2],
        [2, 4],
      ]);
      expect([...tuned.rowsOf(ids)]).toEqual([...base.rowsOf(ids)]);
      expect(() => tuned.withLora({ rank: 1 })).toThrow(/merged\(\) first/);
      tf.tidy(() => (tuned.trainableWeights[1]!.read() as tf.Variable).assign(tf.fill([2, 4], 0.25)));
      const merged = built(tuned.merged());
      expect(merged.parameters).toBe(base.parameters);
      expect(merged.trainableWeights).toHaveLength(merged.weights.length);
      expect([...merged.rowsOf(ids)]).not.toEqual([...base.rowsOf(ids)]);
      const expected = tuned.rowsOf(ids);
      merged.rowsOf(ids).forEach((v, i) => expect(v).toBeCloseTo(expected[i]!, 5));
      for (const layer of [base, tuned, merged]) layer.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('keep the median of a count-sketch at the deviation asked for, or its rows where that is asked', () => {
    const spread = (values: Float32Array) => Math.sqrt(values.reduce((s, v) => s + v * v, 0) / values.length);
    const args = { vocabulary: 300, dimension: 64, rows: 300, hashes: 3, deviation: 0.1, heavyHitters: [0] };
    const all = Array.from({ length: 299 }, (_, x) => x + 1);
    const of = built(new CountSketchEmbedding(args));
    const rows = built(new CountSketchEmbedding({ ...args, deviationOf: 'rows' }));
    expect(spread(of.rowsOf(all)) / 0.1).toBeCloseTo(1, 1);
    expect(spread(rows.rowsOf(all)) / 0.1).toBeCloseTo(0.67, 1);
    expect(spread(rows.weights[0]!.read().dataSync() as Float32Array) / 0.1).toBeCloseTo(1, 1);
    of.dispose();
    rows.dispose();
  });

  it('give tensor trains, quotients and remainders a row of its own for every token', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 9 }),
        (vocabulary, dimension) => {
          for (const layer of [
            built(new TensorTrainEmbedding({ vocabulary, dimension, ranks: [2, 2] })),
            built(new QuotientRemainderEmbedding({ vocabulary, dimension })),
          ]) {
            const rows = new Set<string>();
            for (let x = 0; x < vocabulary; x++) rows.add(layer.rowsOf([x]).join());
            expect(rows.size).toBe(vocabulary);
            layer.dispose();
          }
        },
      ),
      { numRuns: 20 },
    );
  });
});
