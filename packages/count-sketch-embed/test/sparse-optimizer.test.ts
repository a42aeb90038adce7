import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Split } from '@ockham/core';
import { train, type Snapshot } from '@ockham/core/training';
import { CountSketchEmbedding, SparseAdam, SparseSgd, tablesOf } from '../src/index.ts';

const ROWS = 6;
const WIDTH = 3;

const start = Float32Array.from({ length: ROWS * WIDTH }, (_, i) => Math.sin(i));
const gradientOf = (step: number, touched: readonly number[]) =>
  Float32Array.from({ length: ROWS * WIDTH }, (_, i) =>
    touched.includes(Math.floor(i / WIDTH)) ? Math.cos(i + 5 * step) : 0,
  );

/** Applies one gradient for each set of touched rows and gives the table and the other variable after them. */
function after(make: (table: tf.Variable) => tf.Optimizer, steps: readonly (readonly number[])[]) {
  const table = tf.tidy(() => tf.variable(tf.tensor2d(start, [ROWS, WIDTH])));
  const bias = tf.variable(tf.tensor1d([1, 2]));
  const optimizer = make(table);
  steps.forEach((touched, step) => {
    tf.tidy(() => {
      optimizer.applyGradients({
        [table.name]: tf.tensor2d(gradientOf(step, touched), [ROWS, WIDTH]),
        [bias.name]: tf.tensor1d([step + 1, -1]),
      });
    });
  });
  const result = { table: table.dataSync().slice(), bias: bias.dataSync().slice() };
  optimizer.dispose();
  table.dispose();
  bias.dispose();
  return result;
}

/** Adam on touched rows, by its definition. */
function reference(steps: readonly (readonly number[])[], rate: number): Float64Array {
  const w = Float64Array.from(start);
  const [m, v] = [new Float64Array(w.length), new Float64Array(w.length)];
  steps.forEach((touched, step) => {
    const g = gradientOf(step, touched);
    for (const row of touched) {
      for (let i = row * WIDTH; i < (row + 1) * WIDTH; i++) {
        m[i] = 0.9 * m[i]! + 0.1 * g[i]!;
        v[i] = 0.999 * v[i]! + 0.001 * g[i]! ** 2;
        const [mHat, vHat] = [m[i]! / (1 - 0.9 ** (step + 1)), v[i]! / (1 - 0.999 ** (step + 1))];
        w[i]! -= (rate * mHat) / (Math.sqrt(vHat) + 1e-7);
      }
    }
  });
  return w;
}

const near = (found: ArrayLike<number>, wanted: ArrayLike<number>) =>
  Array.from(wanted).forEach((value, i) => expect(found[i]).toBeCloseTo(value, 4));

const all = [0, 1, 2, 3, 4, 5];
const someRows = fc.array(fc.subarray(all), { minLength: 1, maxLength: 5 });

describe('SparseAdam', () => {
  it('is Adam on the touched rows alone', () => {
    fc.assert(
      fc.property(someRows, (steps) => {
        const { table } = after((t) => new SparseAdam([t], { learningRate: 0.05 }), steps);
        near(table, reference(steps, 0.05));
      }),
      { numRuns: 40 },
    );
  });

  it('is dense Adam, to the bit, where all rows are touched', () => {
    const steps = [all, all, all];
    const sparse = after((t) => new SparseAdam([t], { learningRate: 0.05 }), steps);
    expect(sparse).toEqual(after(() => tf.train.adam(0.05, 0.9, 0.999, 1e-7), steps));
  });

  it('gives touched rows the first step of dense Adam, and other variables all of its steps', () => {
    const dense = (steps: number[][]) => after(() => tf.train.adam(0.05, 0.9, 0.999, 1e-7), steps);
    const sparse = (steps: number[][]) => after((t) => new SparseAdam([t], { learningRate: 0.05 }), steps);
    near(sparse([[1, 4]]).table, dense([[1, 4]]).table);
    expect(sparse([[1], [], [2, 3]]).bias).toEqual(dense([[1], [], [2, 3]]).bias);
  });

  it('leaves a row that is no longer touched where it is, which dense Adam does not', () => {
    const steps = [[2], [3]];
    const { table } = after((t) => new SparseAdam([t]), steps);
    const dense = after(() => tf.train.adam(0.001), steps).table;
    const once = after((t) => new SparseAdam([t]), [[2]]).table;
    expect(table.slice(6, 9)).toEqual(once.slice(6, 9));
    expect(dense[6]).not.toBeCloseTo(once[6]!, 5);
  });

  it('leaks no tensor and keeps the values that others hold of a table', () => {
    const before = tf.memory().numTensors;
    const table = tf.tidy(() => tf.variable(tf.tensor2d(start, [ROWS, WIDTH])));
    const optimizer = new SparseAdam([table]);
    const held = tf.reshape(table, [ROWS * WIDTH]);
    tf.tidy(() => {
      const gradient = tf.tensor2d(gradientOf(0, [1]), [ROWS, WIDTH]);
      optimizer.applyGradients({ [table.name]: gradient });
    });
    expect(held.dataSync()).toEqual(start);
    optimizer.dispose();
    tf.dispose([table, held]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses tables of integers and rates that are not positive', () => {
    const ids = tf.variable(tf.tensor1d([1, 2], 'int32'));
    expect(() => new SparseAdam([ids])).toThrow(/SparseAdam: tables must be float32/);
    expect(() => new SparseAdam([], { learningRate: 0 })).toThrow(/learningRate must be positive, got 0/);
    ids.dispose();
  });
});

describe('SparseSgd', () => {
  it('is gradient descent', () => {
    fc.assert(
      fc.property(someRows, (steps) => {
        const sparse = after((t) => new SparseSgd([t], { learningRate: 0.1 }), steps);
        const dense = after(() => tf.train.sgd(0.1), steps);
        near(sparse.table, dense.table);
        near(sparse.bias, dense.bias);
      }),
      { numRuns: 20 },
    );
  });
});

const model = () =>
  tf.sequential({
    layers: [
      new CountSketchEmbedding({ vocabulary: 40, dimension: 4, rows: 8, seed: 3, inputShape: [5] } as never),
      tf.layers.globalAveragePooling1d({}),
      tf.layers.dense({
        units: 2,
        activation: 'softmax',
        kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
      }),
    ],
  });

const data: Split = {
  size: 12,
  x: { values: Float32Array.from({ length: 60 }, (_, i) => (i * 7) % 40), shape: [5] },
  y: { values: Int32Array.from({ length: 12 }, (_, i) => i % 2), shape: [] },
};

describe('training with SparseAdam', () => {
  it('works with train, and goes on from a snapshot to the bit', async () => {
    const run = async (epochs: number, resumeFrom?: Snapshot) => {
      const net = model();
      const optimizer = new SparseAdam(tablesOf(net), { learningRate: 0.05 });
      let snapshot: Snapshot | undefined;
      const { epochs: records } = await train(net, data, {
        epochs,
        batchSize: 4,
        seed: 1,
        optimizer,
        snapshotEvery: 2,
        onSnapshot: (s) => {
          snapshot ??= s;
        },
        ...(resumeFrom && { resumeFrom }),
      });
      const weights = net.getWeights().map((w) => [...w.dataSync()]);
      optimizer.dispose();
      net.dispose();
      return { weights, snapshot, records };
    };
    const whole = await run(4);
    expect(whole.records[3]!.loss).toBeLessThan(whole.records[0]!.loss);
    const resumed = await run(4, whole.snapshot);
    expect(resumed.weights).toEqual(whole.weights);
  });

  it('finds the tables of a model, and says where there is none', () => {
    const net = model();
    expect(tablesOf(net).map(({ shape }) => shape)).toEqual([[24, 4]]);
    net.dispose();
    const plain = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
    expect(() => tablesOf(plain)).toThrow(/must have a trainable embedding layer/);
    plain.dispose();
  });
});
