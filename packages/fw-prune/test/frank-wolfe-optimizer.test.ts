import * as tf from '@tensorflow/tfjs';
import { ArgumentError, NonFiniteError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { variableOf } from '@ockham/core/training';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Rescale } from '../src/frank-wolfe-optimizer.ts';
import { FrankWolfeOptimizer } from '../src/frank-wolfe-optimizer.ts';
import { constrainKernels, expectedInitialNorm } from '../src/layer-constraint.ts';
import { kSparsePolytope, kSupportBall, l2Ball, simplex } from '../src/lmo/index.ts';

let tensors: number;
beforeEach(() => (tensors = tf.memory().numTensors));
afterEach(() => expect(tf.memory().numTensors).toBe(tensors));

/** A variable alone: `tf.variable` shares the memory of the tensor it is made from. */
const made = (make: () => tf.Tensor): tf.Variable => tf.tidy(() => tf.variable(make()));

/** Three clusters in the plane of 10-dimensional points, 90 of them, one batch. */
function clusters(): { x: tf.Tensor2D; y: tf.Tensor1D } {
  const random = new Random(9).stream('clusters');
  const labels = Array.from({ length: 90 }, (_, i) => i % 3);
  const points = labels.map((label) =>
    Array.from({ length: 10 }, (_, d) => (d % 3 === label ? 1.5 : 0) + 0.4 * random.normal()),
  );
  return { x: tf.tensor2d(points), y: tf.tensor1d(labels, 'float32') };
}

function network(): tf.Sequential {
  const kernelInitializer = (seed: number) => tf.initializers.glorotUniform({ seed });
  return tf.sequential({
    layers: [
      tf.layers.dense({
        inputShape: [10],
        units: 16,
        activation: 'relu',
        kernelInitializer: kernelInitializer(1),
      }),
      tf.layers.dense({ units: 3, activation: 'softmax', kernelInitializer: kernelInitializer(2) }),
    ],
  });
}

const weightsOf = (model: tf.LayersModel): Float32Array[] =>
  model.getWeights().map((w) => w.dataSync<'float32'>().slice());

function run(model: tf.LayersModel, optimizer: tf.Optimizer, steps: number): number {
  const { x, y } = clusters();
  const variables = model.trainableWeights.map(variableOf);
  const objective = (): tf.Scalar => {
    const p = model.apply(x, { training: true }) as tf.Tensor;
    return tf.neg(tf.mean(tf.log(tf.sum(tf.mul(p, tf.oneHot(tf.cast(y, 'int32'), 3)), -1))));
  };
  let loss = NaN;
  for (let step = 0; step < steps; step++) {
    const value = optimizer.minimize(objective, true, variables)!;
    loss = value.dataSync()[0]!;
    value.dispose();
  }
  tf.dispose([x, y]);
  return loss;
}

describe('one step', () => {
  const gamma: Record<Rescale, number> = {
    // m = 0.2 · (3, -4, 0): ‖m‖ = 1. v = -2 · m/‖m‖ = (-1.2, 1.6, 0), v - w = (-1.2, 1.6, -1), its length √5.
    gradient: (0.3 * 1) / Math.sqrt(5),
    diameter: 0.3 / 4,
    none: 0.3,
  };
  it.each(['gradient', 'diameter', 'none'] as const)(
    'moves toward the vertex by hand-computed γ: %s',
    (rescale) => {
      const w = made(() => tf.tensor1d([0, 0, 1]));
      const g = tf.tensor1d([3, -4, 0]);
      const optimizer = new FrankWolfeOptimizer({
        learningRate: 0.3,
        momentum: 0.8,
        rescale,
        constraint: () => l2Ball(3, { radius: 2 }),
      });
      optimizer.applyGradients({ [w.name]: g });
      const expected = [-1.2, 1.6, 0].map(
        (v, i) => (1 - gamma[rescale]) * [0, 0, 1][i]! + gamma[rescale] * v,
      );
      w.dataSync().forEach((v, i) => expect(v).toBeCloseTo(expected[i]!, 6));
      optimizer.dispose();
      tf.dispose([w, g]);
    },
  );

  it('never goes beyond the vertex, and lands on it when the rate is large', () => {
    const w = made(() => tf.tensor1d([0.1, 0, 0.2, 0]));
    const g = tf.tensor1d([5, 1, -7, 0]);
    const optimizer = new FrankWolfeOptimizer({
      learningRate: 1e6,
      momentum: 0,
      constraint: () => kSparsePolytope(4, { k: 2, radius: 0.5 }),
    });
    optimizer.applyGradients([{ name: w.name, tensor: g }]);
    expect([...w.dataSync()]).toEqual([-0.5, 0, 0.5, 0]);
    optimizer.applyGradients([{ name: w.name, tensor: g }]); // w is the vertex: ‖v - w‖ = 0
    expect([...w.dataSync()]).toEqual([-0.5, 0, 0.5, 0]);
    optimizer.dispose();
    tf.dispose([w, g]);
  });

  it('on a variable without a set is gradient descent with averaged momentum', () => {
    const w = made(() => tf.scalar(1));
    const g = tf.scalar(2);
    const optimizer = new FrankWolfeOptimizer({ learningRate: 0.5, momentum: 0.75 });
    optimizer.applyGradients({ [w.name]: g }); // m = 0.5, w = 0.75
    optimizer.applyGradients({ [w.name]: g }); // m = 0.875, w = 0.3125
    expect(w.dataSync()[0]).toBe(0.3125);
    optimizer.dispose();
    tf.dispose([w, g]);
  });

  it('scales a start outside its set onto the boundary', () => {
    const w = made(() => tf.tensor1d([30, 40]));
    const g = tf.zerosLike(w);
    const optimizer = new FrankWolfeOptimizer({ constraint: () => l2Ball(2) });
    optimizer.applyGradients({ [w.name]: g });
    [0.6, 0.8].forEach((v, i) => expect(w.dataSync()[i]).toBeCloseTo(v, 6)); // and ‖m‖ = 0 takes no step
    const other = made(() => tf.tensor1d([30, 40]));
    const onSimplex = new FrankWolfeOptimizer({ constraint: () => simplex(2) });
    expect(() => onSimplex.applyGradients({ [other.name]: g })).toThrow(/starts outside the simplex/);
    optimizer.dispose();
    onSimplex.dispose();
    tf.dispose([w, g, other]);
  });

  it('skips a variable that the loss does not reach', () => {
    const w = made(() => tf.scalar(1));
    const optimizer = new FrankWolfeOptimizer();
    optimizer.applyGradients([{ name: w.name, tensor: null as unknown as tf.Tensor }]);
    expect(w.dataSync()[0]).toBe(1);
    optimizer.dispose();
    w.dispose();
  });
});

describe('training', () => {
  it('lowers the loss while every kernel stays in its set', () => {
    const model = network();
    const rule = constrainKernels({ set: 'k-support', fraction: 0.2, multiplier: 3 });
    const optimizer = new FrankWolfeOptimizer({ learningRate: 0.5, constraint: rule });
    const first = run(model, optimizer, 1);
    const last = run(model, optimizer, 60);
    expect(last).toBeLessThan(0.3 * first);
    for (const weight of model.trainableWeights) {
      const set = rule(weight.name, weight.shape as number[]);
      if (set) expect(set.contains(variableOf(weight).dataSync<'float32'>(), 1e-5)).toBe(true);
    }
    expect(optimizer.iterations).toBe(61);
    optimizer.dispose();
    model.dispose();
  });

  it('puts more of the weight into few entries than gradient descent does', () => {
    const share = (optimizer: tf.Optimizer): number => {
      const model = network();
      expect(run(model, optimizer, 100)).toBeLessThan(0.2);
      const squares = weightsOf(model)[0]!
        .map((v) => v * v)
        .sort()
        .reverse();
      optimizer.dispose();
      model.dispose();
      return squares.subarray(0, 40).reduce((a, b) => a + b, 0) / squares.reduce((a, b) => a + b, 0);
    };
    const constrained = share(
      new FrankWolfeOptimizer({
        learningRate: 1,
        constraint: { set: 'k-support', fraction: 0.1, multiplier: 3 },
      }),
    );
    const free = share(new FrankWolfeOptimizer({ learningRate: 1, constraint: () => null }));
    expect(constrained).toBeGreaterThan(free + 0.1);
  });

  it('goes on to the bit from saved weights', async () => {
    const make = (): FrankWolfeOptimizer =>
      new FrankWolfeOptimizer({ learningRate: 0.5, constraint: { set: 'k-sparse', multiplier: 2 } });
    const straight = network();
    const one = make();
    run(straight, one, 7);

    const first = network();
    const before = make();
    run(first, before, 4);
    const second = network();
    second.setWeights(first.getWeights());
    const after = make();
    const saved = (await before.getWeights()).map(({ name, tensor }) => ({
      name,
      tensor: tf.clone(tensor),
      original: tensor,
    }));
    await after.setWeights(saved);
    saved[0]!.original.dispose(); // the step count, which getWeights makes
    tf.dispose(saved.map(({ tensor }) => tensor));
    before.dispose();
    first.dispose();
    run(second, after, 3);
    expect(after.iterations).toBe(7);
    expect(weightsOf(second)).toEqual(weightsOf(straight));
    for (const owner of [straight, one, second, after]) owner.dispose();
  });

  it('works through model.compile and fit', async () => {
    const model = network();
    const optimizer = new FrankWolfeOptimizer({
      learningRate: 0.5,
      constraint: { set: 'l2', multiplier: 5 },
    });
    model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy' });
    const { x, y } = clusters();
    const { history } = await model.fit(x, y, { epochs: 5, batchSize: 30, shuffle: false });
    const losses = history['loss'] as number[];
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    tf.dispose([x, y]);
    model.dispose();
    optimizer.dispose();
  });
});

describe('serialisation', () => {
  it('gives back an equal optimizer', () => {
    const options = {
      learningRate: 0.2,
      momentum: 0.5,
      rescale: 'diameter',
      constraint: { set: 'k-sparse', fraction: 0.3 },
    } as const;
    const optimizer = new FrankWolfeOptimizer(options);
    expect(optimizer.getConfig()).toEqual(options);
    expect(optimizer.getClassName()).toBe('FrankWolfe');
    const config = JSON.parse(JSON.stringify(optimizer.getConfig())) as tf.serialization.ConfigDict;
    const copy = FrankWolfeOptimizer.fromConfig<FrankWolfeOptimizer>(FrankWolfeOptimizer, config);
    expect(copy.getConfig()).toEqual(options);
    copy.setLearningRate(0.1);
    expect(copy.getConfig()['learningRate']).toBe(0.1);
  });

  it('of a constraint function is refused', () => {
    expect(() => new FrankWolfeOptimizer({ constraint: () => null }).getConfig()).toThrow(
      /cannot be serialised/,
    );
  });
});

describe('constrainKernels', () => {
  it('sizes each set by the expected norm of the initial weights', () => {
    const norm = Math.sqrt((2 * 30 * 20) / 50);
    expect(expectedInitialNorm([30, 20])).toBeCloseTo(norm, 12);
    for (const set of ['k-support', 'k-sparse', 'group-k-support', 'l1', 'l2', 'l-infinity'] as const) {
      expect(constrainKernels({ set, multiplier: 4 })('w', [30, 20])!.diameter()).toBeCloseTo(8 * norm, 9);
    }
  });

  it('expects the norm that Glorot initialisation has', () => {
    const shape: [number, number, number, number] = [5, 5, 20, 50];
    const w = tf.initializers.glorotUniform({ seed: 3 }).apply(shape);
    expect(Math.hypot(...w.dataSync()) / expectedInitialNorm(shape)).toBeCloseTo(1, 2);
    w.dispose();
  });

  it('leaves vectors free and counts k from the fraction, not below the minimum', () => {
    const rule = constrainKernels({ set: 'k-support', fraction: 0.05, minimum: 12 });
    expect(rule('bias', [20])).toBeNull();
    expect(rule('w', [30, 20])!.name).toContain('k = 30');
    expect(rule('w', [10, 10])!.name).toContain('k = 12');
    expect(rule('w', [2, 3])!.name).toContain('k = 6');
    const groups = constrainKernels({ set: 'group-k-support', fraction: 0.25 })('w', [3, 3, 2, 8])!;
    expect(groups.name).toContain('groups = 8, k = 2');
    const vertex = groups.minimize(
      Float64Array.from({ length: 144 }, (_, i) => (i % 8 === 3 || i % 8 === 5 ? 1 : 0.5)),
    );
    expect(new Set([...vertex.keys()].filter((i) => vertex[i] !== 0).map((i) => i % 8))).toEqual(
      new Set([3, 5]),
    );
  });

  it.each([
    { set: 'l3' as 'l1' },
    { set: 'l1', fraction: 0 },
    { set: 'l1', minimum: 0 },
    { set: 'l1', multiplier: Infinity },
  ] as const)('refuses %o', (constraint) =>
    expect(() => constrainKernels(constraint)).toThrow(ArgumentError),
  );
});

describe('bad input', () => {
  it.each([
    { learningRate: 0 },
    { learningRate: NaN },
    { momentum: 1 },
    { momentum: -0.1 },
    { rescale: 'length' as 'none' },
  ])('%o is refused', (options) => expect(() => new FrankWolfeOptimizer(options)).toThrow(ArgumentError));

  it('a NaN gradient is refused before the weight changes', () => {
    const w = made(() => tf.tensor2d([[0.1, 0.2]]));
    const g = tf.tensor2d([[1, NaN]]);
    const optimizer = new FrankWolfeOptimizer();
    expect(() => optimizer.applyGradients({ [w.name]: g })).toThrow(NonFiniteError);
    expect(w.dataSync()[1]).toBeCloseTo(0.2, 6);
    optimizer.dispose();
    tf.dispose([w, g]);
  });

  it('a set of the wrong size, a vanished variable and another model are named', () => {
    const w = made(() => tf.tensor2d([[0.1, 0.2]]));
    const v = made(() => tf.tensor1d([1, 2, 3]));
    const wrong = new FrankWolfeOptimizer({ constraint: () => kSupportBall(3, { k: 1 }) });
    expect(() => wrong.applyGradients({ [w.name]: w })).toThrow(/must have dimension 2, got 3/);
    expect(() => wrong.applyGradients({ nowhere: w })).toThrow(/no variable nowhere/);
    const optimizer = new FrankWolfeOptimizer();
    optimizer.applyGradients({ [w.name]: w });
    expect(() => optimizer.applyGradients({ [v.name]: v })).toThrow(/Use one optimizer per model/);
    wrong.dispose();
    optimizer.dispose();
    tf.dispose([w, v]);
  });
});
