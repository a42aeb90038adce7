import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '@ockham/core/backend/node';
import { sparseRowsOf, sparsify } from '@ockham/core/kernels';
import { tableOneCnn } from '@ockham/core/models';
import { sparseWeightsOf } from '../../src/backend/wasm-kernels/sparse-weights.ts';
import { bench, wholes } from './memory.ts';

/** Zeros all but about one number in `every`. */
const thinned = (values: Float32Array, every: number, seed: number): Float32Array => {
  const choice = wholes(values.length, seed);
  return values.map((value, i) => (((choice[i]! + 4) * 7 + i) % every === 0 ? value : 0));
};

describe('sparse rows', () => {
  it('hold the non-zero entries of the transpose, in order', () => {
    const rows = sparseRowsOf([0, 1, 2, 0, 0, 3], 3, 2);
    expect(rows.starts).toEqual(Int32Array.of(0, 1, 3));
    expect(rows.columns).toEqual(Int32Array.of(1, 0, 2));
    expect(rows.values).toEqual(Float32Array.of(2, 1, 3));
  });

  it('times rows of numbers are the dense product, for every size and density', async () => {
    const { kernels, memory, place, read, reset } = await bench();
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(
        size,
        size,
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(999),
        (n, k, p, every, seed) => {
          reset();
          const w = thinned(wholes(k * n, seed), every, seed + 1);
          const x = wholes(k * p, seed + 2);
          const { starts, columns, values } = sparseRowsOf(w, k, n);
          const put = (array: Int32Array) => {
            const at = place(array.length);
            new Int32Array(memory.buffer, at, array.length).set(array);
            return at;
          };
          const ldy = 4 * Math.ceil(p / 4);
          const base = place([...x, 0, 0, 0]);
          const y = place(n * ldy);
          const entries = [put(starts), put(columns.map((c) => 4 * p * c)), place(values)] as const;
          kernels.sparseProduct(n, p, ...entries, base, y, ldy);
          const expected = new Float32Array(n * p);
          for (let o = 0; o < n; o++)
            for (let q = 0; q < p; q++)
              for (let c = 0; c < k; c++) expected[o * p + q]! += w[c * n + o]! * x[c * p + q]!;
          const rows = read(y, n * ldy);
          for (let o = 0; o < n; o++)
            expect(rows.subarray(o * ldy, o * ldy + p)).toEqual(expected.subarray(o * p, (o + 1) * p));
          if (p > 1) return;
          const single = place(n);
          kernels.sparseVector(n, ...entries, base, single);
          expect(read(single, n)).toEqual(expected);
        },
      ),
      { numRuns: 300, seed: 1 },
    );
  });

  it('transposes rows and columns of any number', async () => {
    const { kernels, place, read, reset } = await bench();
    const size = fc.integer({ min: 1, max: 15 });
    fc.assert(
      fc.property(size, size, (rows, columns) => {
        reset();
        const x = wholes(rows * (columns + 2), 1);
        const y = place(columns * (rows + 1));
        kernels.transpose(rows, columns, place(x), columns + 2, y, rows + 1);
        const turned = read(y, columns * (rows + 1));
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < columns; j++) expect(turned[j * (rows + 1) + i]).toBe(x[i * (columns + 2) + j]);
      }),
      { numRuns: 100, seed: 2 },
    );
  });
});

describe('sparsify', () => {
  beforeAll(async () => void (await useBackend('wasm')));

  const thinOut = (model: tf.LayersModel, every: number): tf.LayersModel => {
    model.setWeights(
      model.getWeights().map((w, i) => {
        if (w.rank < 2) return tf.randomNormal(w.shape, 0, 0.1, 'float32', i);
        return tf.tensor(thinned(w.dataSync<'float32'>(), every, i + 1), w.shape);
      }),
    );
    return model;
  };

  /** Odd sizes, padding, dilation, no bias, several activations. */
  const odd = (): tf.LayersModel =>
    tf.sequential({
      layers: [
        tf.layers.conv2d({
          inputShape: [9, 11, 2],
          filters: 5,
          kernelSize: [3, 2],
          padding: 'same',
          activation: 'relu',
        }),
        tf.layers.conv2d({ filters: 6, kernelSize: 2, dilationRate: 2, useBias: false, activation: 'tanh' }),
        tf.layers.conv2d({ filters: 4, kernelSize: 3, strides: 2 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 13, activation: 'relu6' }),
        tf.layers.dense({ units: 7, activation: 'softmax' }),
      ],
    });

  it.each([
    ['the Table-1 network', () => tableOneCnn({ seed: 1 }), [28, 28, 1]],
    ['odd layers', odd, [9, 11, 2]],
  ])('predicts as before: %s', async (_, build, shape) => {
    const model = thinOut(build(), 10);
    const { model: fast, layers, dispose } = await sparsify(model, { batch: [1, 5, 32], repeats: 1 });
    expect(layers.map(({ layer }) => layer)).toEqual(
      model.layers.filter((l) => l.weights.length > 0).map(({ name }) => name),
    );
    for (const batch of [1, 2, 5, 32, 50]) {
      tf.tidy(() => {
        const x = tf.randomNormal([batch, ...shape], 0, 1, 'float32', batch);
        const before = (model.predict(x) as tf.Tensor).dataSync();
        (fast.predict(x) as tf.Tensor)
          .dataSync()
          .forEach((v, i) => expect(Math.abs(v - before[i]!)).toBeLessThan(1e-5));
      });
    }
    dispose();
    model.dispose();
  });

  it('takes the sparse form where it is faster, and is dense again once weights change', async () => {
    const model = thinOut(
      tf.sequential({ layers: [tf.layers.dense({ inputShape: [1024], units: 1024, activation: 'relu' })] }),
      50,
    );
    const start = tf.memory().numTensors;
    const { model: fast, layers, dispose } = await sparsify(model, { batch: [32] });
    expect(layers[0]!.form).toEqual({ 32: 'sparse' }); // 50 times fewer products
    const kernelOf = (m: tf.LayersModel) => m.layers[0]!.weights[0]!.read();
    expect(sparseWeightsOf(kernelOf(fast), 32)).toBeDefined();
    expect(sparseWeightsOf(kernelOf(model), 32)).toBeUndefined();
    tf.tidy(() => fast.setWeights(fast.getWeights().map((w) => tf.onesLike(w))));
    tf.tidy(() => {
      const y = fast.predict(tf.ones([32, 1024])) as tf.Tensor;
      expect([...y.dataSync()].every((v) => v === 1025)).toBe(true);
    });
    dispose();
    expect(tf.memory().numTensors).toBe(start);
    model.dispose();
  });

  it('leaves alone what it has no sparse form of, and says why', async () => {
    const model = odd();
    const { layers, dispose } = await sparsify(model);
    expect(layers.map(({ reason }) => reason)).toEqual(
      layers.map(() => 'more than 0.5 of its weights are left'),
    );
    dispose();
    thinOut(model, 10);
    const thin = await sparsify(model, { repeats: 1 });
    expect(thin.layers[2]).toMatchObject({ reason: 'strided or channels first', speedup: {} });
    thin.dispose();
    model.dispose();
  });

  it('refuses what it cannot do before it starts', async () => {
    const model = odd();
    await expect(sparsify(model, { batch: [0] })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(sparsify(model, { repeats: 0 })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(sparsify(model, { maxDensity: 2 })).rejects.toMatchObject({ code: 'invalid-argument' });
    await useBackend('cpu');
    await expect(sparsify(model)).rejects.toMatchObject({ code: 'unsupported-model' });
    await useBackend('wasm');
    model.dispose();
  });
});
