import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CountSketchEmbedding, type Estimator } from '../src/layers/index.ts';

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
      fc.property(estimators, fc.integer({ min: 1, max: 6 }), fc.boolean(), (estimator, hashes, signs) => {
        const layer = build({ estimator, hashes, signs, heavyHitters: [7, 3] });
        const ids = [0, 3, 7, 49, 3, 11];
        const vectors = tf.tidy(() =>
          (layer.apply(tf.tensor2d(ids, [2, 3], 'int32')) as tf.Tensor).dataSync(),
        );
        layer.rowsOf(ids).forEach((value, i) => expect(vectors[i]).toBeCloseTo(value, 6));
        layer.dispose();
      }),
      { numRuns: 30 },
    );
  });
});
