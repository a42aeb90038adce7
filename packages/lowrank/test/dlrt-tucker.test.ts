import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { AbortedError } from '@ockham/core';
import { memoryStore } from '@ockham/core/files';
import { matrix, multiply, type Matrix } from '@ockham/core/linalg';
import type { OptimizerSpec } from '@ockham/core/training';
import { dlrt, type DlrtOptions } from '../src/dlrt/index.ts';
import { inTurns } from '../src/dlrt/in-turns.ts';
import {
  byInputs,
  byOutputs,
  fromInputs,
  kernelOf,
  largestTuckerRanks,
  truncateTucker,
  tuckerOf,
  tuckerSize,
  type TuckerCore,
} from '../src/dlrt/tucker-core.ts';
import { TuckerFactors } from '../src/dlrt/tucker-factors.ts';
import { all, difference, gaussian, norm, random } from './low-rank-matrices.ts';

const rule = { ...all, tolerance: 0 };
const fixed = (rank: number) => ({ ...rule, minRank: rank, maxRank: rank });

const core = (places: number, inputs: number, outputs: number, name: string): TuckerCore => {
  return { places, inputs, outputs, values: gaussian(places * inputs, outputs, name).values };
};

/** A kernel of these ranks `[k·k·c, n]`. */
function kernelOfRanks([c, n]: readonly [number, number], [p, q]: readonly [number, number]): Matrix {
  return kernelOf(core(9, p, q, 'core'), gaussian(n, q, 'u'), gaussian(c, p, 'v'));
}

describe("a core in Tucker's form", () => {
  it('is read along its inputs and back', () => {
    const given = core(4, 3, 5, 'read');
    const read = byInputs(given);
    expect([read.rows, read.columns]).toEqual([20, 3]);
    for (const [s, i, j] of [[0, 0, 0], [1, 2, 3], [3, 1, 4]] as const)
      expect(read.values[(s * 5 + j) * 3 + i]).toBe(given.values[(s * 3 + i) * 5 + j]); // prettier-ignore
    expect(fromInputs(read, 4)).toEqual(given);
  });

  it('gives a kernel of its ranks back, and drops no more than the tolerance of any other', () => {
    const exact = kernelOfRanks([6, 8], [2, 3]);
    const kept = tuckerOf(exact, 9, { ...rule, tolerance: 1e-6 }, { ...rule, tolerance: 1e-6 });
    expect([kept.core.inputs, kept.core.outputs]).toEqual([2, 3]);
    expect(difference(kernelOf(kept.core, kept.u, kept.v), exact) / norm(exact)).toBeLessThan(1e-6);
    const kernel = gaussian(54, 8, 'any');
    for (const tolerance of [0.1, 0.4, 0.8]) {
      const made = tuckerOf(kernel, 9, { ...rule, tolerance }, { ...rule, tolerance });
      const missed = difference(kernelOf(made.core, made.u, made.v), kernel);
      expect(missed).toBeLessThanOrEqual(tolerance * norm(kernel) * (1 + 1e-9));
    }
  });

  it('says what it discarded, and keeps ranks that can go together', () => {
    const given = core(4, 6, 5, 'discarded');
    const cut = truncateTucker(given, fixed(3), fixed(2));
    const back = kernelOf(cut.core, cut.right, cut.left);
    expect(cut.discarded).toBeCloseTo(difference(back, byOutputs(given)), 6);
    expect(cut.bounded).toBe(true);
    const narrow = truncateTucker(given, fixed(6), { ...rule, maxRank: 1 });
    expect([narrow.core.inputs, narrow.core.outputs]).toEqual([4, 1]); // 4 places · 1 output span 4 only
  });

  it('knows the largest ranks that are smaller than the kernel', () => {
    for (const [places, c, n] of [[25, 20, 50], [9, 64, 64], [25, 1, 20], [9, 3, 4]] as const) {
      const ranks = largestTuckerRanks(places, c, n)!;
      expect(tuckerSize(places, c, n, ranks)).toBeLessThan(places * c * n);
    } // prettier-ignore
    expect(largestTuckerRanks(4, 1, 1)).toBeUndefined();
  });
});

const [channels, filters, side] = [4, 6, 7];

/** The layer, the outputs that it should have, and descent on half the squared distance from them. */
function problem(strides: number, padding: 'same' | 'valid') {
  const layer = tf.layers.conv2d({ inputShape: [side, side, channels], filters, kernelSize: 3, strides, padding });
  layer.build([null, side, side, channels]);
  const x = tf.randomNormal<tf.Rank.R4>([5, side, side, channels], 0, 1, 'float32', 11);
  const bias = tf.zeros<tf.Rank.R1>([filters]);
  const target = tf.tidy(() => {
    const filter = tf.tensor4d(Float32Array.from(gaussian(9 * channels, filters, 'target').values), [3, 3, channels, filters]);
    return tf.conv2d(x, filter, strides, padding);
  });
  const loss = (y: tf.Tensor) => tf.div(tf.sum(tf.square(tf.sub(y, target))), 2 * 5);
  return { layer, x, bias, target, loss };
} // prettier-ignore

type Problem = ReturnType<typeof problem>;

function stepOnce({ x, bias, loss }: Problem, factors: TuckerFactors, rate: number, ranks = rule): number {
  const { value, grads } = tf.valueAndGrads((input: tf.Tensor) => loss(factors.forward(input, bias)) as tf.Scalar)([x]);
  inTurns([factors.stages(rate, { inputs: ranks, outputs: ranks })]);
  factors.forget();
  const [before] = value.dataSync();
  tf.dispose([value, ...grads]);
  return before!;
} // prettier-ignore

const whole = async (factors: TuckerFactors): Promise<Matrix> => {
  const { core: c, u, v } = await factors.values();
  return kernelOf(c, u, v);
};

/** The gradient of a kernel that is formed. */
function kernelGradient({ layer, x, loss }: Problem, kernel: Matrix): Matrix {
  const { strides, padding } = layer.getConfig() as { strides: [number, number]; padding: 'same' };
  const [value] = tf.tidy(() => {
    const filter = tf.tensor4d(Float32Array.from(kernel.values), [3, 3, channels, filters]);
    return [tf.grad((w: tf.Tensor) => loss(tf.conv2d(x, w as tf.Tensor4D, strides, padding)))(filter)];
  });
  const made = matrix(kernel.rows, kernel.columns, value.dataSync());
  value.dispose();
  return made;
}

describe("a step in Tucker's form", () => {
  it.each([[1, 'same'], [2, 'valid']] as const)('is gradient descent where the bases span everything, strides %i, %s', async (strides, padding) => {
    const given = problem(strides, padding);
    const kernel = gaussian(9 * channels, filters, 'kernel');
    const factors = new TuckerFactors(given.layer, tuckerOf(kernel, 9, rule, rule), { name: 'sgd' });
    const G = kernelGradient(given, kernel);
    stepOnce(given, factors, 0.05);
    const expected = { ...kernel, values: kernel.values.map((w, i) => w - 0.05 * G.values[i]!) };
    expect(difference(await whole(factors), expected) / norm(expected)).toBeLessThan(1e-5);
    factors.dispose();
  }); // prettier-ignore

  it('gives inputs the gradient that the whole kernel gives', async () => {
    const given = problem(2, 'same');
    const values = tuckerOf(gaussian(9 * channels, filters, 'kernel'), 9, fixed(2), fixed(3));
    const factors = new TuckerFactors(given.layer, values, { name: 'sgd' });
    const filter = tf.tensor4d(Float32Array.from((await whole(factors)).values), [3, 3, channels, filters]);
    const ours = tf.grad((x: tf.Tensor) => given.loss(factors.forward(x, given.bias)))(given.x);
    const theirs = tf.grad((x: tf.Tensor) => given.loss(tf.conv2d(x as tf.Tensor4D, filter, 2, 'same')))(given.x);
    const wanted = await theirs.data();
    (await ours.data()).forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 4));
    factors.dispose();
  }); // prettier-ignore

  it('moves along the projection of the gradient onto the augmented bases, as long as nothing is truncated', async () => {
    const given = problem(1, 'same');
    const values = tuckerOf(gaussian(9 * channels, filters, 'kernel'), 9, fixed(2), fixed(2));
    const kernel = kernelOf(values.core, values.u, values.v);
    const G = kernelGradient(given, kernel);
    const rate = 1e-3;
    const factors = new TuckerFactors(given.layer, values, { name: 'sgd' });
    stepOnce(given, factors, rate);
    expect(Math.min(...factors.rank)).toBeGreaterThanOrEqual(3);
    const after = await factors.values();
    const moved = await whole(factors);
    // C × V Vᵀ × U Uᵀ of G: the new bases are the augmented ones, since nothing was truncated
    const inner = tuckerOf(G, 9, rule, rule);
    const project = (basis: Matrix) => multiply(basis, basis, { transposeB: true });
    const projected = kernelOf(
      inner.core,
      multiply(project(after.u), inner.u),
      multiply(project(after.v), inner.v),
    );
    const expected = { ...kernel, values: kernel.values.map((w, i) => w - rate * projected.values[i]!) };
    expect(difference(moved, expected)).toBeLessThan(1e-2 * rate * norm(projected));
    factors.dispose();
  });

  it.each(['sgd', 'momentum', 'adam'] as const)('brings the loss down at fixed ranks with %s, and leaks no tensor', (name) => {
    const given = problem(1, 'same');
    const spec: OptimizerSpec = { name };
    const before = tf.memory().numTensors;
    const values = tuckerOf(gaussian(9 * channels, filters, 'kernel'), 9, fixed(3), fixed(3));
    const factors = new TuckerFactors(given.layer, values, spec);
    const rate = { sgd: 2e-3, momentum: 5e-4, adam: 0.05 }[name];
    const first = stepOnce(given, factors, rate, fixed(3));
    let last = first;
    for (let i = 0; i < 60; i++) last = stepOnce(given, factors, rate, fixed(3));
    expect(last).toBeLessThan(0.75 * first);
    expect(factors.rank).toEqual([3, 3]);
    factors.dispose();
    expect(tf.memory().numTensors).toBe(before);
  }); // prettier-ignore

  it('with momentum is heavy-ball descent where the bases span everything', async () => {
    const given = problem(1, 'same');
    let kernel = gaussian(9 * channels, filters, 'kernel');
    const factors = new TuckerFactors(given.layer, tuckerOf(kernel, 9, rule, rule), { name: 'momentum', momentum: 0.8 });
    let velocity = new Float64Array(kernel.values.length);
    for (let i = 0; i < 5; i++) {
      const G = kernelGradient(given, kernel);
      velocity = velocity.map((v, j) => 0.8 * v + G.values[j]!);
      kernel = { ...kernel, values: kernel.values.map((w, j) => w - 1e-3 * velocity[j]!) };
      stepOnce(given, factors, 1e-3);
    }
    expect(difference(await whole(factors), kernel) / norm(kernel)).toBeLessThan(1e-5);
    factors.dispose();
  }); // prettier-ignore
});

/** Images whose class is the place of a bright patch. */
function images(size: number) {
  const stream = random.stream('images');
  const x = Float32Array.from({ length: size * 64 * 2 }, () => 0.3 * stream.normal());
  const y = Int32Array.from({ length: size }, (_, i) => i % 4);
  for (let i = 0; i < size; i++) {
    const [row, column] = [4 * Math.floor(y[i]! / 2) + 1, 4 * (y[i]! % 2) + 1];
    for (let r = 0; r < 2; r++) for (let c = 0; c < 2; c++) x[((i * 8 + row + r) * 8 + column + c) * 2]! += 2;
  }
  return { size, x: { values: x, shape: [8, 8, 2] }, y: { values: y, shape: [] } };
}

const network = (useBias = true) =>
  tf.sequential({
    layers: [
      tf.layers.conv2d({ name: 'conv1', inputShape: [8, 8, 2], filters: 8, kernelSize: 3, padding: 'same', activation: 'relu', useBias, kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }) }),
      tf.layers.conv2d({ name: 'conv2', filters: 10, kernelSize: 3, strides: 2, activation: 'relu', useBias, kernelInitializer: tf.initializers.glorotUniform({ seed: 2 }) }),
      tf.layers.conv2d({ name: 'point', filters: 8, kernelSize: 1, kernelInitializer: tf.initializers.glorotUniform({ seed: 4 }) }),
      tf.layers.flatten(),
      tf.layers.dense({ name: 'output', units: 4, activation: 'softmax', kernelInitializer: tf.initializers.glorotUniform({ seed: 3 }) }),
    ],
  }); // prettier-ignore

const options: DlrtOptions = {
  epochs: 3,
  batchSize: 40,
  tolerance: 0.15,
  convolutions: 'tucker',
  optimizer: { name: 'adam', learningRate: 0.01 },
  seed: 5,
};

const weightsOf = (model: tf.LayersModel) => model.getWeights().map((weight) => [...weight.dataSync()]);

describe("dlrt in Tucker's form", () => {
  it.each([true, false])('learns, counts honestly, and gives back three convolutions for one (bias: %s)', async (useBias) => {
    const data = images(120);
    const model = network(useBias);
    const before = tf.memory().numTensors;
    const { model: thin, history, report, initialRanks } = await dlrt(model, data, options);
    expect(Object.keys(initialRanks)).toEqual(['conv1/in', 'conv1/out', 'conv2/in', 'conv2/out', 'point']);
    expect(history.at(-1)!.loss).toBeLessThan((useBias ? 0.7 : 0.95) * history[0]!.loss);
    const names = thin.layers.map(({ name }) => name);
    expect(names.slice(0, 8)).toEqual(['conv1/in', 'conv1/core', 'conv1/out', 'conv2/in', 'conv2/core', 'conv2/out', 'point/u', 'point/v']);
    const counted = thin.layers.reduce((sum, layer) => sum + (layer.weights[0]?.shape ?? [0]).reduce<number>((a, b) => a * b!, 1), 0);
    expect(counted).toBe(report.kernels);
    expect(report.layers[1]!.rank).toEqual([history.at(-1)!.ranks['conv2/in'], history.at(-1)!.ranks['conv2/out']]);
    expect(thin.getLayer('conv1/out').weights).toHaveLength(useBias ? 2 : 1);
    thin.dispose();
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  }); // prettier-ignore

  it('computes what the given kernels do where nothing is cut, and keeps fixed ranks', async () => {
    const data = images(40);
    const model = network();
    const { tolerance: _, ...rest } = options;
    const same = await dlrt(model, data, { ...rest, epochs: 0, tolerance: 1e-7, targets: ['conv2'], maxRank: 10 });
    const x = tf.tensor(data.x.values, [40, 8, 8, 2]);
    const [a, b] = [model.predict(x) as tf.Tensor, same.model.predict(x) as tf.Tensor];
    const wanted = await a.data();
    expect(same.report.layers[1]!.rank).toEqual([7, 9]); // the largest that are smaller than the layer
    (await b.data()).forEach((value, i) => expect(Math.abs(value - wanted[i]!)).toBeLessThan(0.2));
    const fixedRanks = await dlrt(model, data, { ...rest, epochs: 1, rank: { conv1: 2, conv2: 3 }, tolerance: 0.15 });
    expect(fixedRanks.history[0]!.ranks).toMatchObject({ 'conv1/in': 2, 'conv1/out': 2, 'conv2/in': 3, 'conv2/out': 3 });
    tf.dispose([x, a, b]);
    for (const made of [same.model, fixedRanks.model, model]) made.dispose();
  }); // prettier-ignore

  it('stopped after a pass it goes on to the same bits', async () => {
    const data = images(80);
    const model = network();
    const wholeRun = await dlrt(model, data, { ...options, start: 'random' });
    const checkpoint = memoryStore();
    const controller = new AbortController();
    const stopped = dlrt(model, data, {
      ...options,
      start: 'random',
      checkpoint,
      signal: controller.signal,
      onEpoch: ({ epoch }) => {
        if (epoch === 2) controller.abort();
      },
    });
    await expect(stopped).rejects.toThrow(AbortedError);
    const resumed = await dlrt(model, data, { ...options, start: 'random', checkpoint });
    expect(weightsOf(resumed.model)).toEqual(weightsOf(wholeRun.model));
    for (const made of [resumed.model, wholeRun.model, model]) made.dispose();
  });

  it('refuses singular values for a start, and leaves layers dense that would not be smaller', async () => {
    const data = images(40);
    const model = network();
    await expect(dlrt(model, data, { ...options, start: () => [1] })).rejects.toThrow(/a set for each mode/);
    const { report, model: thin } = await dlrt(model, data, { ...options, epochs: 0, minRank: { conv1: 8 } });
    expect(report.layers[0]!.dense).toMatch(/Tucker's form of ranks 2 and 8 would be no smaller/);
    thin.dispose();
    model.dispose();
  });
});
