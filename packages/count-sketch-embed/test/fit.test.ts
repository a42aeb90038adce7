import * as tf from '@tensorflow/tfjs';
import { Random } from '@ockham/core/random';
import { bert } from '@ockham/core/models';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { lstsq, matrix, svd } from '@ockham/core/linalg';
import { compressEmbeddings, fitTable, relativeError, type TableForm } from '../src/fit/index.ts';
import { signAt, type CountSketchEmbedding, type RobeEmbedding, type Signs } from '../src/layers/index.ts';

const normalTable = (vocabulary: number, dimension: number, seed: number) => {
  const random = new Random(seed);
  const values = Float32Array.from({ length: vocabulary * dimension }, () => random.normal());
  return { values, vocabulary, dimension };
};
const zipf = (vocabulary: number) => Float64Array.from({ length: vocabulary }, (_, x) => 1000 / (x + 1));
const all = (vocabulary: number) => Int32Array.from({ length: vocabulary }, (_, x) => x);
const kinds = fc.constantFrom<Signs>(false, true, 'coordinate');
const withoutLeaks = async (run: () => unknown) => {
  const before = tf.memory().numTensors;
  await run();
  expect(tf.memory().numTensors).toBe(before);
};
const textModel = (vocabulary: number, dimension: number) =>
  tf.sequential({
    layers: [
      tf.layers.embedding({ inputDim: vocabulary, outputDim: dimension, inputLength: 5, name: 'words' }),
      tf.layers.globalAveragePooling1d({}),
      tf.layers.dense({ units: 2, name: 'out' }),
    ],
  });

describe('fitTable, a count-sketch', () => {
  it('reaches the weighted least squares of a dense solver, with the mean', () =>
    withoutLeaks(() =>
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 4 }), kinds, fc.nat(99), (hashes, signs, seed) => {
          const table = normalTable(40, 3, seed);
          const frequencies = zipf(40);
          const form: TableForm = { method: 'count-sketch', rows: 6, hashes, estimator: 'mean', signs };
          const options = { frequencies, seed, iterations: 200, tolerance: 1e-9 };
          const { layer, report } = fitTable(table, form, options);
          const { slots } = layer as CountSketchEmbedding;
          let off = 0;
          let size = 0;
          for (let j = 0; j < 3; j++) {
            const A = matrix(40, 6 * hashes); // of column j
            const B = matrix(40, 1);
            for (let x = 0; x < 40; x++) {
              const w = Math.sqrt(frequencies[x]! + 1);
              for (let i = 0; i < hashes; i++)
                A.values[x * 6 * hashes + slots.rows[x * hashes + i]!]! +=
                  (w * signAt(slots, x * hashes + i, j, 3)) / hashes;
              B.values[x] = table.values[x * 3 + j]! * w;
            }
            const { x: best } = lstsq(A, B);
            for (let x = 0; x < 40; x++) {
              let value = 0;
              for (let r = 0; r < 6 * hashes; r++) value += A.values[x * 6 * hashes + r]! * best.values[r]!;
              off += (B.values[x]! - value) ** 2;
              size += B.values[x]! ** 2;
            }
          }
          expect(report.weightedError).toBeCloseTo(Math.sqrt(off / size), 4);
          layer.dispose();
        }),
        { numRuns: 15 },
      ),
    ));

  it.each(['median', 'median-of-means'] as const)(
    'comes nearer with the %s than the mean’s rows and the rows’ means do',
    async (estimator) => {
      const table = normalTable(300, 4, 3);
      const form = { method: 'count-sketch', rows: 40, hashes: 4, estimator } as const;
      const errors: number[] = [];
      await withoutLeaks(() => {
        for (const iterations of [1, 5, 50]) {
          const { layer, report } = fitTable(table, form, { seed: 1, iterations, tolerance: 0 });
          errors.push(report.error);
          layer.dispose();
        }
      });
      expect(errors[1]).toBeLessThan(errors[0]!);
      expect(errors[2]).toBeLessThan(errors[1]!);
      expect(errors[2]).toBeLessThan(0.95);
    },
  );

  it('meets a table exactly that a sketch can hold: one hash, one token per row', () => {
    const table = normalTable(12, 2, 1);
    const form = { method: 'count-sketch', rows: 4096, hashes: 3, estimator: 'median' } as const;
    const { layer, report } = fitTable(table, form, { seed: 4 });
    expect(report.error).toBeLessThan(1e-6);
    expect(report.bytes).toBe(4 * 3 * 4096 * 2 + 8);
    layer.dispose();
  });

  it('gives the most frequent tokens their own rows, exactly', () => {
    const table = normalTable(100, 4, 2);
    const frequencies = zipf(100).reverse();
    const { layer } = fitTable(table, { method: 'count-sketch', rows: 3, heavyHitters: 10 }, { frequencies });
    expect((layer as CountSketchEmbedding).heavyHitters).toEqual(
      Array.from({ length: 10 }, (_, k) => 99 - k),
    );
    expect([...layer.rowsOf([95])]).toEqual([...table.values.subarray(380, 384)]);
    layer.dispose();
  });

  it('serves frequent tokens better when it knows the frequencies', () => {
    const table = normalTable(200, 4, 2);
    const frequencies = zipf(200);
    const weights = Float64Array.from(frequencies, (count) => count + 1);
    const errorOf = (known: boolean, estimator: 'mean' | 'median') => {
      const form = { method: 'count-sketch', rows: 10, estimator } as const;
      const { layer } = fitTable(table, form, known ? { frequencies } : {});
      const { weightedError } = relativeError(table.values, layer.rowsOf(all(200)), weights);
      layer.dispose();
      return weightedError;
    };
    for (const estimator of ['mean', 'median'] as const)
      expect(errorOf(true, estimator)).toBeLessThan(0.9 * errorOf(false, estimator));
  });

  it('gives the same bits for the same seed, and others for another', () => {
    const table = normalTable(60, 4, 2);
    for (const form of [
      { method: 'count-sketch', rows: 5 },
      { method: 'product-quantisation', parts: 2, centroids: 8 },
    ] as const) {
      const bits = (seed: number) => {
        const { layer } = fitTable(table, form, { seed });
        const rows = [...layer.rowsOf(all(60))];
        layer.dispose();
        return rows;
      };
      expect(bits(1)).toEqual(bits(1));
      expect(bits(1)).not.toEqual(bits(2));
    }
  });
});

describe('fitTable, the other forms', () => {
  it.each<[string, TableForm, (x: number, j: number) => string]>([
    ['ROBE', { method: 'robe', size: 50, block: 2, signs: false }, () => ''],
    [
      'concatenated quotients and remainders',
      { method: 'quotient-remainder', buckets: 6, combine: 'concatenate' },
      (x, j) => (j < 2 ? `q${Math.floor(x / 6)} ${j}` : `r${x % 6} ${j}`),
    ],
  ])('gives %s the weighted mean of the numbers that one number stands for', (_, form, groupOf) => {
    const table = normalTable(40, 4, 1);
    const frequencies = zipf(40);
    const { layer } = fitTable(table, form, { frequencies, seed: 2 });
    const rows = layer.rowsOf(all(40));
    const groups = new Map<string, [value: number, sum: number, mass: number]>();
    for (let x = 0; x < 40; x++)
      for (let j = 0; j < 4; j++) {
        const k = x * 4 + j;
        const key = groupOf(x, j) || String((layer as RobeEmbedding).placesOf([x])[j]);
        const [, sum, mass] = groups.get(key) ?? [0, 0, 0];
        const w = frequencies[x]! + 1;
        groups.set(key, [rows[k]!, sum + w * table.values[k]!, mass + w]);
      }
    for (const [value, sum, mass] of groups.values()) expect(value).toBeCloseTo(sum / mass, 5);
    layer.dispose();
  });

  it('recovers a table that is a sum of quotients and remainders', () => {
    const [q, r] = [normalTable(7, 4, 1).values, normalTable(6, 4, 2).values];
    const values = Float32Array.from({ length: 160 }, (_, k) => {
      const [x, j] = [k >> 2, k % 4];
      return q[Math.floor(x / 6) * 4 + j]! + r[(x % 6) * 4 + j]!;
    });
    const form = { method: 'quotient-remainder', buckets: 6, combine: 'add' } as const;
    const { layer, report } = fitTable({ values, vocabulary: 40, dimension: 4 }, form, {
      frequencies: zipf(40),
      tolerance: 1e-8,
    });
    expect(report.error).toBeLessThan(1e-4);
    layer.dispose();
  });

  it('keeps as much with nano rows as the singular values say, and all of a table of their rank', () => {
    const table = normalTable(60, 6, 3);
    const { layer, report } = fitTable(table, { method: 'nano', inner: 2 });
    const centred = matrix(60, 6, table.values);
    for (let j = 0; j < 6; j++) {
      let mean = 0;
      for (let x = 0; x < 60; x++) mean += centred.values[x * 6 + j]! / 60;
      for (let x = 0; x < 60; x++) centred.values[x * 6 + j]! -= mean;
    }
    const tail = svd(centred).s.reduce((sum, s, k) => (k < 2 ? 0 : sum + s ** 2), 0);
    const size = table.values.reduce((sum, value) => sum + value ** 2, 0);
    expect(report.error).toBeCloseTo(Math.sqrt(tail / size), 5);
    const again = fitTable({ ...table, values: layer.rowsOf(all(60)) }, { method: 'nano', inner: 2 });
    expect(again.report.error).toBeLessThan(1e-5);
    const whole = {
      method: 'mixed-dimension',
      blocks: [
        { tokens: 20, width: 6 },
        { tokens: 40, width: 3 },
      ],
    } as const;
    const mixed = fitTable({ ...table, values: layer.rowsOf(all(60)) }, whole);
    expect(mixed.report.error).toBeLessThan(1e-5);
  });

  it.each<TableForm>([
    { method: 'tensor-train', ranks: [4, 4] },
    { method: 'nano', inner: 3, hidden: 6, activation: 'tanh' },
    { method: 'quotient-remainder', buckets: 10 },
  ])('distils a table into %o', (form) =>
    withoutLeaks(() => {
      const table = normalTable(50, 4, 3);
      const { layer, report } = fitTable(table, form, { iterations: 60 });
      const start = fitTable(table, form, { iterations: 1 });
      expect(report.error).toBeLessThan(0.95 * Math.min(1, start.report.error));
      layer.dispose();
      start.layer.dispose();
    }),
  );

  it('leaves hashed words as they are where nothing trains', () => {
    const words = ['ab', 'abc', 'xyz'];
    const { report } = fitTable(normalTable(3, 4, 1), { method: 'eelbert', words });
    expect(report.parameters).toBe(0);
  });
});

describe('fitTable, tables of codes', () => {
  it('is off by half a step at most with int8, and by nothing for rows of zeros', () => {
    const table = normalTable(50, 6, 1);
    table.values.fill(0, 6, 12);
    const { layer, report } = fitTable(table, { method: 'int8' });
    const rows = layer.rowsOf(all(50));
    for (let x = 0; x < 50; x++) {
      const row = [...table.values.subarray(x * 6, x * 6 + 6)];
      const most = Math.max(...row.map(Math.abs));
      row.forEach((value, j) =>
        expect(Math.abs(value - rows[x * 6 + j]!)).toBeLessThanOrEqual((most / 254) * 1.001),
      );
    }
    expect(report.bytes).toBe(50 * 10);
    layer.dispose();
  });

  it('finds the groups of product quantisation where parts lie in clusters', () =>
    withoutLeaks(() => {
      const random = new Random(3);
      const centres = [-10, 0, 10, 20];
      const values = Float32Array.from(
        { length: 400 },
        () => centres[random.integer(4)]! + random.normal(0, 0.01),
      );
      const form = { method: 'product-quantisation', parts: 4, centroids: 4 } as const;
      const { layer, report } = fitTable({ values, vocabulary: 100, dimension: 4 }, form);
      expect(report.error).toBeLessThan(0.01);
      expect(report.bytes).toBe(100 * 4 + 4 * 4 * 4);
      layer.dispose();
    }));

  it('is exact with a centroid for each token, and takes no more centroids than tokens', () => {
    const table = normalTable(30, 4, 6);
    const { layer, report } = fitTable(table, { method: 'product-quantisation', parts: 2 });
    expect(report.error).toBeLessThan(1e-6);
    expect(report.parameters).toBe(30 * 2 + 30 * 4);
    layer.dispose();
  });

  it('look up on the engine what they say in plain TypeScript, in models that save and load', async () => {
    for (const form of [
      { method: 'int8' },
      { method: 'product-quantisation', parts: 3, centroids: 7 },
    ] as const) {
      const model = textModel(31, 6);
      const { model: small } = await compressEmbeddings(model, form);
      let saved: tf.io.ModelArtifacts | undefined;
      await small.save(
        tf.io.withSaveHandler((artifacts) => {
          saved = artifacts;
          return Promise.resolve({ modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) });
        }),
      );
      const again = await tf.loadLayersModel(tf.io.fromMemory(saved!));
      const ids = tf.tensor2d([[0, 30, 7, 7, 12]]);
      const [a, b] = [small, again].map((m) => (m.predict(ids) as tf.Tensor).dataSync());
      expect([...a!]).toEqual([...b!]);
      expect(small.getLayer('words').trainableWeights).toHaveLength(0);
      tf.dispose(
        [ids, model, small, again].map((m) => ('weights' in m ? m.weights.map((w) => w.read()) : m)),
      );
    }
  });
});

describe('compressEmbeddings', () => {
  it('replaces the table, keeps all else, and reports both errors and sizes', async () => {
    const model = textModel(400, 8);
    const frequencies = zipf(400);
    const table = model.getLayer('words').getWeights()[0]!.dataSync() as Float32Array;
    const { model: small, report } = await compressEmbeddings(model, {
      method: 'count-sketch',
      rows: 20,
      hashes: 4,
      estimator: 'median-of-means',
      heavyHitters: 30,
      frequencies,
    });
    const layer = small.getLayer('words') as CountSketchEmbedding;
    const weights = Float64Array.from(frequencies, (count) => count + 1);
    const error = relativeError(table, layer.rowsOf(all(400)), weights);
    expect(report.tables[0]).toMatchObject({ path: 'words', method: 'count-sketch', ...error });
    expect(report).toMatchObject({ bytesBefore: 12800, bytes: 4 * (110 * 8 + 30) + 8, warnings: [] });
    const kernels = [model, small].map((m) => [...m.getLayer('out').getWeights()[0]!.dataSync()]);
    expect(kernels[0]).toEqual(kernels[1]);
    const out = small.predict(tf.tensor2d([[1, 2, 3, 4, 399]])) as tf.Tensor;
    expect(out.shape).toEqual([1, 2]);
  });

  it('takes the word table of BERT and leaves a table that would grow', async () => {
    const model = bert({ preset: 'tiny', length: 8, vocabulary: 600, classes: 2, seed: 1 });
    const form = { method: 'count-sketch', rows: 20, hashes: 3, iterations: 2 } as const;
    const { model: small, report } = await compressEmbeddings(model, form);
    expect(report.tables.map(({ path }) => path)).toEqual(['embeddings/word_embeddings']);
    expect(report.kept).toEqual([
      {
        path: 'embeddings/token_type_embeddings',
        reason: expect.stringMatching(/^30728 bytes .* 1024$/) as string,
      },
    ]);
    const ids = tf.ones([1, 8], 'int32');
    expect((small.predict(ids) as tf.Tensor).shape).toEqual([1, 2]);
  });

  it('warns of a table that is larger than the one it replaces, with both sizes', async () => {
    const { report } = await compressEmbeddings(textModel(10, 4), { method: 'count-sketch', rows: 50 });
    expect(report.warnings).toEqual([
      expect.stringMatching(/"words" is not smaller: 2408 bytes against 160/),
    ]);
  });

  it('makes a model whose compressed table trains', async () => {
    const { model } = await compressEmbeddings(textModel(50, 4), { method: 'count-sketch', rows: 5 });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const before = [...model.getLayer('words').getWeights()[0]!.dataSync()];
    await model.fit(tf.ones([4, 5]), tf.ones([4, 2]), { epochs: 1, verbose: 0 });
    expect([...model.getLayer('words').getWeights()[0]!.dataSync()]).not.toEqual(before);
  });

  it.each<[string, Parameters<typeof compressEmbeddings>[1], RegExp]>([
    ['no such layer', { method: 'int8', targets: /wrong/ }, /matches no embedding layer. There are: words/],
    ['counts of another vocabulary', { method: 'int8', frequencies: [1, 2] }, /got 2; the tables have 10/],
    ['the same, of a target', { method: 'int8', frequencies: [1], targets: 'words' }, /of 10 tokens, got 1/],
    ['counts of no table', { method: 'int8', frequencies: { x: [1] } }, /"x", which is no table/],
    [
      'heavy hitters of unknown counts',
      { method: 'count-sketch', rows: 2, heavyHitters: 3 },
      /no frequencies/,
    ],
    ['no rows', { method: 'count-sketch', rows: 0 }, /rows must be an integer ≥ 1, got 0/],
    ['no hashes', { method: 'count-sketch', rows: 2, hashes: 0 }, /hashes must be an integer ≥ 1, got 0/],
    ['parts that do not divide', { method: 'product-quantisation', parts: 3 }, /must divide dimension = 4/],
    ['a negative count', { method: 'int8', frequencies: new Array(10).fill(-1) }, /got -1 at position 0/],
  ])('refuses %s', async (_, options, message) => {
    await expect(compressEmbeddings(textModel(10, 4), options)).rejects.toThrow(message);
  });

  it('refuses a table with a NaN, a table that hides zeros, and a model without tables', async () => {
    const model = textModel(3, 2);
    model.getLayer('words').setWeights([tf.tensor2d([1, 2, 3, NaN, 5, 6], [3, 2])]);
    await expect(compressEmbeddings(model, { method: 'int8' })).rejects.toThrow(/got NaN in row 1/);
    const masking = tf.sequential({
      layers: [tf.layers.embedding({ inputDim: 3, outputDim: 2, maskZero: true, inputLength: 2, name: 'm' })],
    });
    await expect(compressEmbeddings(masking, { method: 'int8' })).rejects.toThrow(/"m" hides its zeros/);
    const plain = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2], name: 'd' })] });
    await expect(compressEmbeddings(plain, { method: 'int8' })).rejects.toThrow(
      /no tf.layers.embedding. Its layers are d/,
    );
  });

  it('stops when told to', async () => {
    const signal = AbortSignal.abort();
    await expect(compressEmbeddings(textModel(3, 2), { method: 'int8', signal })).rejects.toThrow(
      /AbortSignal/,
    );
  });
});
