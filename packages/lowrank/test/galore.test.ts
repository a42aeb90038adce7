import * as tf from '@tensorflow/tfjs';
import { matrix, multiply, svd } from '@ockham/core/linalg';
import { Random } from '@ockham/core/random';
import { train, variableOf, type Snapshot, type TrainOptions } from '@ockham/core/training';
import type { Split } from '@ockham/core';
import { afterEach, describe, expect, it } from 'vitest';
import { cosineColumns, largest } from '../src/galore/cosine-basis.ts';
import { Projection, type GaLoreBasis } from '../src/galore/projection.ts';
import { gaLore, type GaLoreOptions } from '../src/galore/index.ts';

const bases: readonly GaLoreBasis[] = ['svd', 'randomised', 'dct'];
const random = new Random(4);
const normals = (n: number) => Float32Array.from({ length: n }, () => random.normal());
const models: tf.LayersModel[] = [];

afterEach(() => {
  for (const model of models.splice(0)) model.dispose();
});

/** 12 → 20 → 3, and data that a network of this kind can learn. */
function network(): tf.LayersModel {
  const kernelInitializer = (seed: number) => tf.initializers.heNormal({ seed });
  const model = tf.sequential({
    layers: [
      tf.layers.dense({
        name: 'wide',
        inputShape: [12],
        units: 20,
        activation: 'tanh',
        kernelInitializer: kernelInitializer(1),
      }),
      tf.layers.dense({ name: 'narrow', units: 3, kernelInitializer: kernelInitializer(2) }),
    ],
  });
  models.push(model);
  return model;
}

const data: Split = (() => {
  const x = normals(64 * 12);
  const y = Float32Array.from({ length: 64 * 3 }, (_, i) => {
    const row = x.subarray(12 * Math.floor(i / 3), 12 * Math.floor(i / 3) + 12);
    return Math.tanh(row[i % 3]! - row[(i % 3) + 4]!);
  });
  return { size: 64, x: { values: x, shape: [12] }, y: { values: y, shape: [3] } };
})();

const common = { epochs: 4, batchSize: 16, loss: 'meanSquaredError', seed: 3 } as const;

async function trained(
  options: GaLoreOptions | TrainOptions['optimizer'],
  more: Partial<TrainOptions> = {},
): Promise<{ weights: number[]; losses: number[] }> {
  const model = network();
  const own = typeof options === 'object' && 'rank' in options ? gaLore(model, options) : undefined;
  const { epochs } = await train(model, data, {
    ...common,
    optimizer: own ?? (options as Exclude<typeof options, GaLoreOptions>)!,
    ...more,
  });
  own?.dispose();
  const weights = model.getWeights().flatMap((weight) => [...weight.dataSync()]);
  return { weights, losses: epochs.map(({ loss }) => loss) };
}

const farthest = (a: readonly number[], b: readonly number[]) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe('the step', () => {
  it('is that of Adam where the rank is the shorter side', async () => {
    const adam = { name: 'adam', learningRate: 0.01 } as const;
    const ours = await trained({ rank: 12, optimizer: adam });
    expect(farthest(ours.weights, (await trained(adam)).weights)).toBeLessThan(1e-6);
  });

  it.each(['svd', 'randomised'] as const)(
    'is that of plain descent where the gradient has no more than r dimensions (%s)',
    async (basis) => {
      // batches of two: gradients of rank 2 at most, found anew at every step
      const sgd = { name: 'sgd', learningRate: 0.1 } as const;
      const more = { batchSize: 2, epochs: 0.25 };
      const options = { rank: 2, refreshEvery: 1, scale: 1, optimizer: sgd, basis };
      const ours = await trained(options, more);
      expect(farthest(ours.weights, (await trained(sgd, more)).weights)).toBeLessThan(1e-6);
    },
  );

  it.each(bases)('moves a kernel within r dimensions until the next search (%s)', async (basis) => {
    const model = network();
    const kernel = variableOf(model.getLayer('wide').weights[0]!);
    const before = Float64Array.from(kernel.dataSync());
    const optimizer = gaLore(model, { rank: 3, refreshEvery: 100, basis, optimizer: 'adam' });
    await train(model, data, { ...common, optimizer });
    optimizer.dispose();
    const change = matrix(
      12,
      20,
      Float64Array.from(kernel.dataSync(), (value, i) => value - before[i]!),
    );
    const { s } = svd(change);
    expect(s[2]).toBeGreaterThan(1e-4);
    expect(s[3]! / s[0]!).toBeLessThan(1e-4); // what rounding W to float32 leaves
  });

  it('is α times as long as the scale says', async () => {
    const sgd = { name: 'sgd', learningRate: 0.1 } as const;
    const more = { batchSize: 64, epochs: 1 };
    const start = network().getLayer('wide').getWeights()[0]!.dataSync().slice();
    const [one, half] = await Promise.all(
      [1, 0.5].map((scale) =>
        trained({ rank: { wide: 4 }, targets: 'wide', scale, optimizer: sgd }, more),
      ) as [ReturnType<typeof trained>, ReturnType<typeof trained>],
    );
    for (let i = 0; i < 240; i++) {
      const moved = one.weights[i]! - start[i]!;
      expect(half.weights[i]! - start[i]!).toBeCloseTo(moved / 2, 6);
    }
  });

  it.each(bases)('learns in a third of the dimensions (%s)', async (basis) => {
    const optimizer = { name: 'adam', learningRate: 0.02 } as const;
    const options = { rank: 4, refreshEvery: 10, scale: 1, basis, optimizer, targets: 'wide' };
    const { losses } = await trained(options, { epochs: 40 });
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 10);
  });

  it('is taken by the optimizer’s own minimize too', () => {
    const model = network();
    const before = tf.memory().numTensors;
    const optimizer = gaLore(model, { rank: 2, refreshEvery: 1, scale: 1, optimizer: 'sgd' });
    const kernels = model.layers.map((layer) => variableOf(layer.weights[0]!));
    const { loss, again } = tf.tidy(() => {
      const [x, y] = [tf.tensor2d(data.x.values, [64, 12]), tf.tensor2d(data.y.values, [64, 3])];
      const of = () => tf.losses.meanSquaredError<tf.Tensor, tf.Scalar>(y, model.apply(x) as tf.Tensor);
      return {
        loss: optimizer.minimize(of, true, kernels)!.dataSync()[0]!,
        again: of().dataSync()[0]!,
      };
    });
    expect(again).toBeLessThan(loss);
    optimizer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('takes convolutions as matrices of window × channels by filters', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ name: 'conv', inputShape: [4, 4, 2], filters: 5, kernelSize: 3 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 2, activation: 'softmax' }),
      ],
    });
    models.push(model);
    const optimizer = gaLore(model, { rank: 2, targets: 'conv' });
    expect(optimizer.report().layers).toMatchObject([{ path: 'conv', shape: [18, 5], side: 'right' }]);
    const images = {
      size: 8,
      x: { values: normals(256), shape: [4, 4, 2] },
      y: { values: Int32Array.from({ length: 8 }, (_, i) => i % 2), shape: [] },
    };
    const { epochs } = await train(model, images, { epochs: 20, batchSize: 8, optimizer });
    expect(epochs.at(-1)!.loss).toBeLessThan(epochs[0]!.loss);
    optimizer.dispose();
  });
});

describe('the subspace', () => {
  it.each(bases)('has an orthonormal basis on either side (%s)', (basis) => {
    for (const [rows, columns] of [
      [6, 9],
      [9, 6],
      [5, 5],
    ] as const) {
      // prettier-ignore
      tf.tidy(() => {
        const projection = new Projection(rows, columns, 3, basis);
        projection.refresh(tf.tensor2d(normals(rows * columns), [rows, columns]), new Random(1));
        const P = projection.matrix();
        expect(P.shape).toEqual([Math.min(rows, columns), 3]);
        const gram = tf.matMul(P, P, true).dataSync();
        for (let i = 0; i < 9; i++) expect(gram[i]).toBeCloseTo(i % 4 === 0 ? 1 : 0, 5);
        projection.dispose();
      });
    }
  });

  it('keeps of the gradient what the best of its rank keeps, by singular vectors', () => {
    const values = normals(6 * 9);
    const { s } = svd(matrix(6, 9, Float64Array.from(values)));
    const kept = tf.tidy(() => {
      const projection = new Projection(6, 9, 2, 'svd');
      const G = tf.tensor2d(values, [6, 9]);
      projection.refresh(G, new Random(1));
      const R = projection.project(G, projection.matrix());
      projection.dispose();
      return tf.sum(tf.square(R)).dataSync()[0]!;
    });
    expect(kept).toBeCloseTo(s[0]! ** 2 + s[1]! ** 2, 3);
  });

  it('keeps no less than any other columns of the DCT', () => {
    const values = normals(6 * 9);
    tf.tidy(() => {
      const G = tf.tensor2d(values, [6, 9]);
      const projection = new Projection(6, 9, 2, 'dct');
      projection.refresh(G, new Random(1));
      const energy = (P: tf.Tensor2D) => tf.sum(tf.square(tf.matMul(P, G, true))).dataSync()[0]!;
      const kept = energy(projection.matrix());
      for (let i = 0; i < 6; i++)
        for (let j = 0; j < i; j++)
          expect(kept).toBeGreaterThanOrEqual(energy(cosineColumns(6, [i, j])) - 1e-4);
      projection.dispose();
    });
  });

  it('has the columns of the DCT-II', () => {
    const found = tf.tidy(() => cosineColumns(7, [0, 3, 6]).dataSync());
    for (let i = 0; i < 7; i++) {
      [0, 3, 6].forEach((j, place) => {
        const c = Math.sqrt((j === 0 ? 1 : 2) / 7);
        expect(found[3 * i + place]).toBeCloseTo(c * Math.cos((Math.PI * (2 * i + 1) * j) / 14), 6);
      });
    }
  });

  it('leaves a column that is chosen again in its place', () => {
    expect([...largest([1, 9, 3, 7, 5], 3)]).toEqual([1, 3, 4]);
    expect([...largest([8, 9, 3, 7, 5], 3, [4, 1, 3])]).toEqual([0, 1, 3]);
    expect([...largest([2, 2, 2], 2)]).toEqual([0, 1]);
    const all = matrix(5, 5, Float64Array.from(tf.tidy(() => cosineColumns(5, [0, 1, 2, 3, 4]).dataSync())));
    const gram = multiply(all, all, { transposeA: true });
    for (let i = 0; i < 25; i++) expect(gram.values[i]).toBeCloseTo(i % 6 === 0 ? 1 : 0, 6);
  });
});

describe('the state', () => {
  it.each([
    ['svd', 4 * (4 * 12 + 2 * 4 * 20)],
    ['dct', 4 * (4 + 2 * 4 * 20)],
  ] as const)('takes r (m + 2n) values and not 2 m n (%s)', async (basis, bytes) => {
    const model = network();
    const optimizer = gaLore(model, { rank: { wide: 4 }, targets: 'wide', basis });
    expect(optimizer.report()).toMatchObject({ bytes, fullBytes: 4 * 2 * 12 * 20 });
    const before = tf.memory().numBytes;
    await train(model, data, { ...common, epochs: 1, optimizer });
    const others = 4 * 2 * (20 + 60 + 3); // moments of the biases and of narrow
    expect(tf.memory().numBytes - before).toBe(bytes + others);
    optimizer.dispose();
  });

  it.each(bases)(
    'goes on to the bit from a checkpoint, and has the same bits every time (%s)',
    async (basis) => {
      const options = { rank: 2, refreshEvery: 5, basis, optimizer: 'adam' } as const;
      const straight = await trained(options);
      expect((await trained(options)).weights).toEqual(straight.weights);
      let kept: Snapshot | undefined;
      const onSnapshot = (snapshot: Snapshot) => void (kept ??= snapshot);
      await trained(options, { onSnapshot, snapshotEvery: 7 });
      const resumed = await trained(options, { resumeFrom: kept! });
      expect(resumed.weights).toEqual(straight.weights);
    },
  );

  it('is refused where it is of another rank', async () => {
    let kept: Snapshot | undefined;
    await trained({ rank: 2 }, { onSnapshot: (snapshot) => void (kept = snapshot) });
    await expect(trained({ rank: 3 }, { resumeFrom: kept! })).rejects.toThrow(
      /gaLore: the checkpoint has a basis of \[12, 2\] for wide, these options one of \[12, 3\]/,
    );
  });

  it('is gone when the optimizer is disposed of', async () => {
    const model = network();
    const before = tf.memory().numTensors;
    for (const basis of bases) {
      const optimizer = gaLore(model, { rank: 2, basis });
      await train(model, data, { ...common, epochs: 1, optimizer });
      optimizer.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('bad input', () => {
  it.each([
    [{ rank: 0 }, /rank must be in \[1, min\(m, n\)\] = \[1, 12\]/],
    [{ rank: 13 }, /of the largest layer, got 13/],
    [{ rank: { narrow: 4 } }, /\[1, 3\] for narrow, got 4/],
    [{ rank: { nowhere: 1 } }, /no layer that is projected. There are: wide, narrow/],
    [{ rank: 2, refreshEvery: 0 }, /refreshEvery must be an integer from 1/],
    [{ rank: 2, scale: -1 }, /scale must be positive/],
    [{ rank: 2, basis: 'fft' as 'svd' }, /basis must be svd, randomised or dct/],
    [{ rank: 2, targets: 'nowhere' }, /wide/],
  ] as const)('is refused: %o', (options, message) => {
    expect(() => gaLore(network(), options)).toThrow(message);
  });

  it('is a model whose targets do not train', () => {
    const model = network();
    for (const layer of model.layers) layer.trainable = false;
    expect(() => gaLore(model, { rank: 2 })).toThrow(/none of the targets trains/);
  });
});
