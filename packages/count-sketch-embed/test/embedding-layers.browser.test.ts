import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { decodeTable, encodeTable } from '../src/files/index.ts';
import { openTable } from '../src/files/reader.ts';
import { CountSketchEmbedding, EelbertEmbedding, RobeEmbedding } from '../src/layers/index.ts';
import golden from './fixtures/hashing.json' with { type: 'json' };

describe('embedding layers in a browser', () => {
  it('hash words to the bits of the Python twin', () => {
    for (const { seed, pooling, words, vectors } of golden.words) {
      const layer = new EelbertEmbedding({ words, dimension: 8, seed, pooling: pooling as 'mean' | 'root' });
      expect([...layer.vectorsOf(words)]).toEqual(vectors.flat());
    }
  });

  it('train by a step, save and load', async () => {
    for (const layer of [
      new CountSketchEmbedding({ vocabulary: 50, dimension: 4, rows: 5, seed: 1 }),
      new RobeEmbedding({ vocabulary: 50, dimension: 4, size: 40, block: 2, seed: 1 }),
    ]) {
      const model = tf.sequential();
      model.add(tf.layers.inputLayer({ inputShape: [2], dtype: 'int32' }));
      model.add(layer);
      model.add(tf.layers.flatten());
      model.add(tf.layers.dense({ units: 1 }));
      model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
      const ids = [3, 49, 0, 7];
      const before = [...layer.rowsOf(ids)];
      await model.fit(tf.tensor2d(ids, [2, 2], 'int32'), tf.tensor2d([1, -1], [2, 1]), {
        epochs: 1,
        verbose: 0,
      });
      const after = layer.rowsOf(ids);
      expect([...after]).not.toEqual(before);
      await model.save('indexeddb://embedding');
      const loaded = await tf.loadLayersModel('indexeddb://embedding');
      const again = loaded.layers.find((one) => one.getClassName() === layer.getClassName()) as typeof layer;
      expect([...again.rowsOf(ids)]).toEqual([...after]);
    }
  });

  it('are saved as a file that the reader opens without TensorFlow', async () => {
    for (const signs of [false, true, 'coordinate'] as const) {
      const layer = new CountSketchEmbedding({
        ...{ vocabulary: 50, dimension: 40, rows: 5, seed: 1, heavyHitters: [7], signs },
      });
      layer.apply(tf.input({ shape: [null], dtype: 'int32' }));
      const bytes = encodeTable(layer);
      const ids = [3, 49, 0, 7];
      const rows = [...layer.rowsOf(ids)];
      const url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
      const file = new Uint8Array(await (await fetch(url)).arrayBuffer());
      openTable(file, 50)
        .rowsOf(ids)
        .forEach((value, i) => expect(value).toBeCloseTo(rows[i]!, 6));
      expect([...decodeTable(file).rowsOf(ids)]).toEqual(rows);
    }
  });
});
