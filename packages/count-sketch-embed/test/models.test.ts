import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { train } from '@ockham/core/training';
import { bert } from '@ockham/core/models';
import type { WordEmbeddingsArgs } from '@ockham/core/models';
import { CountSketchEmbedding } from '../src/layers/index.ts';
import {
  askedTokens,
  BagOfEmbeddings,
  bagOfEmbeddings,
  clickModel,
  copyEncoder,
  maskedLanguageModel,
} from '../src/models/index.ts';

const sketch = ({ vocabulary, hidden, name, seed }: WordEmbeddingsArgs) =>
  new CountSketchEmbedding({ vocabulary, dimension: hidden, rows: 5, hashes: 3, name, seed });
const SIZES = { layers: 1, hidden: 8, heads: 2, vocabulary: 40, length: 6, positions: 6, seed: 3 } as const;
const tokens = {
  size: 4,
  x: { values: Int32Array.from({ length: 24 }, (_, i) => 1 + ((i * 7) % 39)), shape: [6] },
  y: { values: Int32Array.from({ length: 24 }, (_, i) => (i % 3 === 1 ? (i * 5) % 40 : -1)), shape: [6] },
};

describe('maskedLanguageModel', () => {
  it('takes hidden words as places and tokens, and leaves the rest at −1', () => {
    const y = Int32Array.of(-1, 9, -1, 4, 7, -1);
    const asked = askedTokens({ size: 1, x: { values: y, shape: [6] }, y: { values: y, shape: [6] } }, 2);
    expect([...asked.y.values]).toEqual([1, 3, 9, 4]);
    expect(() => askedTokens(asked, 0)).toThrow(/\[1, 2\], got 0/);
  });

  it('has the loss of a softmax over the whole vocabulary, through the transpose of a compressed table', () => {
    const { model, fullLoss } = maskedLanguageModel({ ...SIZES, wordEmbeddings: sketch });
    const data = askedTokens(tokens, 2);
    const rows = (model.getLayer('embeddings/word_embeddings') as CountSketchEmbedding).rowsOf(
      Int32Array.from({ length: 40 }, (_, i) => i),
    );
    tf.tidy(() => {
      const states = model.predict(tf.tensor2d(tokens.x.values, [4, 6], 'int32')) as tf.Tensor3D;
      const value = fullLoss(tf.tensor3d(data.y.values, [4, 2, 2], 'int32'), states).dataSync()[0]!;
      const x = states.arraySync();
      let expected = 0;
      for (let row = 0; row < 4; row++) {
        for (const place of [1, 4]) {
          const state = x[row]![place]!;
          const scores = Array.from({ length: 40 }, (_, t) =>
            state.reduce((total, s, j) => total + s * rows[t * 8 + j]!, 0),
          );
          const right = scores[tokens.y.values[row * 6 + place]!]!;
          expected += (Math.log(scores.reduce((a, s) => a + Math.exp(s), 0)) - right) / 8;
        }
      }
      expect(value).toBeCloseTo(expected, 4);
    });
    model.dispose();
  });

  it.each([
    { outputTable: 'tied', samples: undefined, stock: false },
    { outputTable: 'own', samples: undefined, stock: false },
    { outputTable: 'tied', samples: 30, stock: false },
    { outputTable: 'own', samples: 30, stock: true },
    { outputTable: 'tied', samples: undefined, stock: true },
  ] as const)('learns a few sentences by heart: %o', async ({ outputTable, samples, stock }) => {
    const before = tf.memory().numTensors;
    const { model, loss, fullLoss } = maskedLanguageModel({
      ...SIZES,
      outputTable,
      dropout: 0,
      attentionDropout: 0,
      ...(samples ? { samples, frequencies: new Array<number>(40).fill(1) } : {}),
      ...(stock ? {} : { wordEmbeddings: sketch }),
    });
    const data = askedTokens(tokens, 2);
    const measure = () =>
      tf.tidy(() => {
        const states = model.predict(tf.tensor2d(tokens.x.values, [4, 6], 'int32')) as tf.Tensor;
        return fullLoss(tf.tensor3d(data.y.values, [4, 2, 2], 'int32'), states).dataSync()[0]!;
      });
    const first = measure();
    await train(model, data, {
      epochs: 40,
      batchSize: 4,
      loss,
      optimizer: { name: 'adam', learningRate: 0.02 },
    });
    expect(first).toBeCloseTo(Math.log(40), 0);
    expect(measure()).toBeLessThan(first / 2);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('samples a loss that comes to that of the whole vocabulary with many draws', () => {
    const { model, loss, fullLoss } = maskedLanguageModel({
      ...SIZES,
      wordEmbeddings: sketch,
      samples: 20_000,
    });
    tf.tidy(() => {
      const states = model.predict(tf.tensor2d(tokens.x.values, [4, 6], 'int32')) as tf.Tensor;
      const y = tf.tensor3d(askedTokens(tokens, 2).y.values, [4, 2, 2], 'int32');
      expect(loss(y, states).dataSync()[0]!).toBeCloseTo(fullLoss(y, states).dataSync()[0]!, 1);
    });
    model.dispose();
  });

  it('leaves the output table behind for fine-tuning, and refuses a table that hashes otherwise', () => {
    const { model } = maskedLanguageModel({ ...SIZES, wordEmbeddings: sketch, outputTable: 'own' });
    const classifier = bert({ ...SIZES, wordEmbeddings: sketch, head: 'classifier' });
    const copied = copyEncoder(model, classifier);
    expect(copied).toContain('embeddings/word_embeddings');
    expect(copied.some((name) => name.startsWith('cls/'))).toBe(false);
    const other = bert({ ...SIZES, wordEmbeddings: sketch, seed: 4 });
    expect(() => copyEncoder(model, other)).toThrow(/configured alike/);
    for (const each of [model, classifier, other]) each.dispose();
  });

  it('refuses bad options', () => {
    expect(() => maskedLanguageModel({ ...SIZES, samples: 0 })).toThrow(
      /samples must be an integer ≥ 1, got 0/,
    );
    expect(() => maskedLanguageModel({ ...SIZES, frequencies: [1, 2] })).toThrow(/each of 40 tokens, got 2/);
    expect(() => maskedLanguageModel({ ...SIZES, outputTable: 'none' as 'own' })).toThrow(/got 'none'/);
  });
});

describe('bagOfEmbeddings', () => {
  it('averages the rows of a text, padding left out, and saves with its table', async () => {
    const table = new CountSketchEmbedding({ vocabulary: 30, dimension: 4, rows: 3, seed: 1 });
    const model = bagOfEmbeddings(table);
    const bag = model.getLayer('bag');
    const [r5, r9] = [table.rowsOf([5]), table.rowsOf([9])];
    const means = tf.tidy(() =>
      (bag.apply(tf.tensor2d([5, 9, 9, 0, 0, 0], [2, 3], 'int32')) as tf.Tensor2D).arraySync(),
    );
    means[0]!.forEach((value, j) => expect(value).toBeCloseTo((r5[j]! + 2 * r9[j]!) / 3, 6));
    expect(means[1]).toEqual([0, 0, 0, 0]);
    expect(model.countParams()).toBe(table.parameters + 10);

    let saved: tf.io.ModelArtifacts | undefined;
    await model.save(
      tf.io.withSaveHandler((artifacts) => {
        saved = artifacts;
        return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
      }),
    );
    const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved!));
    const ids = tf.tensor2d([5, 9, 0, 3], [2, 2], 'int32');
    const [a, b] = [model, loaded].map((each) => tf.tidy(() => (each.predict(ids) as tf.Tensor).dataSync()));
    expect(a).toEqual(b);
    ids.dispose();
    model.dispose();
    loaded.dispose();
  });

  it('learns which words are good', async () => {
    const before = tf.memory().numTensors;
    const model = bagOfEmbeddings(tf.layers.embedding({ inputDim: 20, outputDim: 4 }));
    const values = Int32Array.from({ length: 60 }, (_, i) => 1 + ((i * 11) % 19));
    const labels = Int32Array.from({ length: 30 }, (_, i) =>
      Number(values[2 * i]! + values[2 * i + 1]! > 20),
    );
    const data = { size: 30, x: { values, shape: [2] }, y: { values: labels, shape: [] } };
    const { epochs } = await train(model, data, {
      epochs: 30,
      batchSize: 10,
      loss: 'crossEntropyFromLogits',
      optimizer: { name: 'adam', learningRate: 0.1 },
    });
    expect(epochs.at(-1)!.loss).toBeLessThan(0.1);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('word dropout of bagOfEmbeddings', () => {
  /** One-hot vectors: what comes out is each word's share. */
  const bag = (wordDropout: number, seed = 3) => {
    const table = tf.layers.embedding({ inputDim: 12, outputDim: 12, embeddingsInitializer: 'identity' });
    return new BagOfEmbeddings({ table, wordDropout, seed });
  };
  const ids = Array.from({ length: 400 }, () => [1, 2, 3, 4, 5, 6, 7, 8, 0, 0]);
  const shares = (layer: BagOfEmbeddings, texts: number[][], training: boolean) =>
    tf
      .tidy(() => layer.apply(tf.tensor2d(texts, undefined, 'int32'), { training }) as tf.Tensor2D)
      .arraySync();

  it('leaves out that share of the words in training, and averages the others', () => {
    const rows = shares(bag(0.3), ids, true);
    const kept = rows.map((row) => row.filter((share) => share > 0));
    for (const row of kept) for (const share of row) expect(share).toBeCloseTo(1 / row.length, 6);
    const left = kept.reduce((sum, row) => sum + row.length, 0) / (400 * 8);
    expect(Math.abs(left - 0.7)).toBeLessThan(5 * Math.sqrt((0.3 * 0.7) / (400 * 8)));
    expect(new Set(kept.map((row) => row.length)).size).toBeGreaterThan(1);
  });

  it('leaves out nothing in inference, and never a whole text', () => {
    const layer = bag(0.9);
    for (const row of shares(layer, ids, false)) expect(row[1]).toBeCloseTo(1 / 8, 6);
    for (const row of shares(
      layer,
      Array.from({ length: 50 }, () => [5, 0]),
      true,
    ))
      expect(row[5]).toBe(1);
  });

  it('draws anew at each call, and the same again where a seed is set', () => {
    const layer = bag(0.5);
    expect(shares(layer, ids, true)).not.toEqual(shares(layer, ids, true));
    layer.seed = 7;
    expect(shares(layer, ids, true)).toEqual(shares(layer, ids, true));
  });

  it('trains to the same bits from the same seed, and keeps its rate in a saved model', async () => {
    const weights = async (seed: number) => {
      const table = new CountSketchEmbedding({ vocabulary: 30, dimension: 4, rows: 3, seed: 1 });
      const model = bagOfEmbeddings(table, { wordDropout: 0.5 });
      const values = Int32Array.from({ length: 80 }, (_, i) => 1 + ((i * 11) % 29));
      const y = { values: Int32Array.from({ length: 20 }, (_, i) => i % 2), shape: [] };
      const data = { size: 20, x: { values, shape: [4] }, y };
      await train(model, data, { epochs: 2, batchSize: 5, loss: 'crossEntropyFromLogits', seed });
      const found = [...model.getWeights()[0]!.dataSync()];
      const config = model.getLayer('bag').getConfig();
      model.dispose();
      return { found, config };
    };
    const [once, again, other] = [await weights(1), await weights(1), await weights(2)];
    expect(once.found).toEqual(again.found);
    expect(once.found).not.toEqual(other.found);
    expect(once.config).toMatchObject({ wordDropout: 0.5 });
  });

  it.each([-0.1, 1, NaN])('refuses a rate of %d', (wordDropout) => {
    const table = tf.layers.embedding({ inputDim: 4, outputDim: 2 });
    expect(() => bagOfEmbeddings(table, { wordDropout })).toThrow(/wordDropout must be in \[0, 1\), got/);
  });
});

describe('clickModel', () => {
  it('multiplies every two vectors of an example', () => {
    const model = clickModel(
      new CountSketchEmbedding({ vocabulary: 30, dimension: 4, rows: 3, deviation: 1 }),
      { fields: 3 },
    );
    tf.tidy(() => {
      const x = tf.tensor3d([1, 2, 3, 4, 5, 6], [1, 3, 2]);
      const products = model.getLayer('products').apply(x) as tf.Tensor;
      expect([...products.dataSync()]).toEqual([11, 17, 39]);
    });
    expect(model.getLayer('hidden').weights[0]!.shape).toEqual([12 + 3, 32]);
    model.dispose();
  });

  it('needs two fields or more', () => {
    const table = tf.layers.embedding({ inputDim: 4, outputDim: 2 });
    expect(() => clickModel(table, { fields: 1 })).toThrow(/fields must be an integer ≥ 2, got 1/);
  });
});
