import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CountSketchEmbedding, HashEmbedding, type Estimator, type Signs } from '../src/layers/index.ts';

const build = (args: Partial<ConstructorParameters<typeof CountSketchEmbedding>[0]> = {}) => {
  const layer = new CountSketchEmbedding({
    vocabulary: 50,
    dimension: 3,
    rows: 4,
    hashes: 3,
    seed: 5,
    ...args,
  });
  layer.apply(tf.input({ shape: [null], dtype: 'int32' }));
  return layer;
};

describe('CountSketchEmbedding', () => {
  it('gives the rows of the plain form, for every estimator and number of hashes', () => {
    const estimators = fc.constantFrom<Estimator>('median', 'mean', 'median-of-means');
    fc.assert(
      fc.property(
        estimators,
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom<Signs>(false, true, 'coordinate'),
        (estimator, hashes, signs) => {
          const layer = build({ estimator, hashes, signs, heavyHitters: [7, 3] });
          const ids = [0, 3, 7, 49, 3, 11];
          const vectors = tf.tidy(() =>
            (layer.apply(tf.tensor2d(ids, [2, 3], 'int32')) as tf.Tensor).dataSync(),
          );
          layer.rowsOf(ids).forEach((value, i) => expect(vectors[i]).toBeCloseTo(value, 6));
          layer.dispose();
        },
      ),
      { numRuns: 30 },
    );
  });

  it('lets tokens of one row differ by signs of coordinates, and no others', () => {
    const args = { vocabulary: 6, dimension: 40, rows: 1, seed: 2 };
    const vectors = (signs: Signs) => {
      const layer = new HashEmbedding({ ...args, signs });
      layer.apply(tf.input({ shape: [null], dtype: 'int32' }));
      const rows = layer.rowsOf([0, 1, 2, 3, 4, 5]);
      layer.dispose();
      return Array.from({ length: 6 }, (_, x) => [...rows.subarray(40 * x, 40 * (x + 1))].join());
    };
    expect(new Set(vectors(false)).size).toBe(1);
    expect(new Set(vectors(true)).size).toBe(2); // the row and its opposite
    expect(new Set(vectors('coordinate')).size).toBe(6);
  });

  it('keeps the vectors of heavy hitters as they are, whatever the signs', () => {
    const layer = build({ signs: 'coordinate', heavyHitters: [9] });
    const rows = (layer.weights[0]!.read().arraySync() as number[][]).at(-1)!;
    expect([...layer.rowsOf([9])]).toEqual(rows);
    layer.dispose();
  });

  it('refuses signs that it does not know', () => {
    expect(() => build({ signs: 'column' as Signs })).toThrow(
      /signs must be true, false or 'coordinate', got column/,
    );
  });
});
