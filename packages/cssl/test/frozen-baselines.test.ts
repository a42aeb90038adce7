import { memory, tensor, type Tensor, tidy } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { mlp, resnet, tableOneCnn } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { classIncremental, deepSlda, exStream, iid, runStream } from '@ockham/cssl';
import { cutModel } from '../src/baselines/cut-model.ts';
import { logitsModel } from '../src/baselines/logits-model.ts';
import { Prototypes } from '../src/baselines/prototypes.ts';
import { StreamingMoments } from '../src/baselines/streaming-moments.ts';
import { brightSpots } from './fixtures/bright-spots.ts';

const train = brightSpots(4, 20, 1);
const test = brightSpots(4, 10, 2);
const network = () => mlp({ inputShape: [6, 6, 1], classes: 4, units: [24], seed: 3 });

describe('streaming moments', () => {
  const width = 5;
  const random = new Random(4);
  const labels = Array.from({ length: 60 }, () => random.integer(3));
  const vectors = labels.map((label) =>
    Float64Array.from({ length: width }, (_, i) => random.normal(label * i, 1 + i / 4)),
  );
  const moments = new StreamingMoments(width);
  for (const [i, z] of vectors.entries()) moments.add(z, labels[i]!);
  const meanOf = (label: number, d: number) => {
    const own = vectors.filter((_, i) => labels[i] === label);
    return own.reduce((sum, z) => sum + z[d]!, 0) / own.length;
  };

  it('are the means and the pooled covariance that a direct computation gives', () => {
    const covariance = moments.covariance();
    for (let a = 0; a < width; a++) {
      for (const label of [0, 1, 2]) expect(moments.mean(label)![a]).toBeCloseTo(meanOf(label, a), 10);
      for (let b = 0; b < width; b++) {
        const direct = vectors.reduce(
          (sum, z, i) => sum + (z[a]! - meanOf(labels[i]!, a)) * (z[b]! - meanOf(labels[i]!, b)),
          0,
        );
        expect(covariance.values[a * width + b]).toBeCloseTo(direct / 60, 10);
      }
    }
  });

  it('give the discriminant that solves [(1 − ε)Σ + εI] w = μ', () => {
    const epsilon = 0.05;
    const { weights, biases, labels: order } = moments.discriminant(epsilon);
    const { values } = moments.covariance();
    for (const [k, label] of order.entries()) {
      let bias = 0;
      for (let a = 0; a < width; a++) {
        let product = epsilon * weights[a * 3 + k]!;
        for (let b = 0; b < width; b++)
          product += (1 - epsilon) * values[a * width + b]! * weights[b * 3 + k]!;
        expect(product).toBeCloseTo(meanOf(label, a), 9);
        bias -= (weights[a * 3 + k]! * meanOf(label, a)) / 2;
      }
      expect(biases[k]).toBeCloseTo(bias, 10);
    }
  });

  it('refuse a discriminant before the first vector', () => {
    expect(() => new StreamingMoments(2).discriminant(0.1)).toThrow(/at least one vector/);
  });
});

describe('prototypes', () => {
  it('merge the two nearest into their weighted mean, as a search over all pairs does', () => {
    const random = new Random(2);
    const capacity = 4;
    const prototypes = new Prototypes(capacity, 2);
    let reference: { z: number[]; count: number }[] = [];
    for (let step = 0; step < 60; step++) {
      const z = [random.normal(), random.normal()].map(Math.fround);
      prototypes.add(z);
      reference.push({ z, count: 1 });
      if (reference.length > capacity) {
        const pairs = reference.flatMap((p, i) =>
          reference.slice(0, i).map((q) => ({ p, q, d: Math.hypot(p.z[0]! - q.z[0]!, p.z[1]! - q.z[1]!) })),
        );
        const { p, q } = pairs.reduce((a, b) => (b.d < a.d ? b : a));
        const count = p.count + q.count;
        const merged = p.z.map((v, i) => Math.fround((p.count * v + q.count * q.z[i]!) / count));
        reference = [...reference.filter((r) => r !== p && r !== q), { z: merged, count }];
      }
      const found = Array.from({ length: prototypes.size }, (_, i) => [
        ...prototypes.vector(i),
        prototypes.count(i),
      ]);
      const wanted = reference.map((r) => [...r.z, r.count]);
      const sorted = (rows: number[][]) => rows.toSorted((a, b) => a[0]! - b[0]!);
      for (const [i, row] of sorted(found).entries()) {
        for (const [j, value] of row.entries()) expect(value).toBeCloseTo(sorted(wanted)[i]![j]!, 5);
      }
    }
  });
});

describe('a model cut in two', () => {
  it.each([
    ['an MLP before its last layer', () => mlp({ inputShape: [8, 8, 3], units: [7], classes: 3 }), undefined],
    ['a CNN after its first pool', () => tableOneCnn({ inputShape: [12, 12, 3], classes: 3 }), 'pool1'],
    [
      'a residual network between blocks',
      () => resnet({ inputShape: [8, 8, 3], depth: 8 }),
      'stage1_block1_relu2',
    ],
  ])('gives together what it gave: %s', (_name, make, after) => {
    const before = memory().numTensors;
    const model = make();
    const { lower, upper, shape } = cutModel('test', model, after);
    const side = model.inputs[0]!.shape[1]!;
    tidy(() => {
      const random = new Random(1);
      const x = tensor(
        Float32Array.from({ length: 2 * side * side * 3 }, () => random.uniform()),
        [2, side, side, 3],
      );
      const between = lower.apply(x) as Tensor;
      expect(between.shape.slice(1)).toEqual(shape);
      expect((upper.apply(between) as Tensor).arraySync()).toEqual((model.apply(x) as Tensor).arraySync());
    });
    upper.dispose();
    model.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('is refused where a shortcut leads past the cut, and where there is no such layer', () => {
    const model = resnet({ inputShape: [8, 8, 3], depth: 8 });
    expect(() => cutModel('test', model, 'stage1_block1_relu1')).toThrow(/leads past it/);
    expect(() => cutModel('test', model, 'nowhere')).toThrow(/no layer "nowhere"/);
    model.dispose();
  });

  it('gives logits whose softmax is the model’s output', () => {
    const model = network();
    const logits = logitsModel('test', model);
    tidy(() => {
      const x = tensor(
        Float32Array.from({ length: 72 }, (_, i) => i / 72),
        [2, 6, 6, 1],
      );
      const wanted = (model.apply(x) as Tensor).arraySync() as number[][];
      const exponents = ((logits.apply(x) as Tensor).arraySync() as number[][]).map((row) =>
        row.map(Math.exp),
      );
      for (const [i, row] of exponents.entries()) {
        const total = row.reduce((a, b) => a + b);
        for (const [c, value] of row.entries()) expect(value / total).toBeCloseTo(wanted[i]![c]!, 5);
      }
    });
    model.dispose();
    logits.dispose();
  });
});

describe('Deep SLDA', () => {
  it('does not depend on the order of the stream, learns one class at a time, and leaks nothing', async () => {
    const model = network();
    const before = memory().numTensors;
    const results = [];
    for (const stream of [classIncremental(train, { seed: 1 }), iid(train, { seed: 2, tests: 1 })]) {
      const learner = await deepSlda(model);
      const { tests } = await runStream(learner, stream, test, { batch: 10 });
      results.push(tests.at(-1)!.top1);
      expect(learner.bytes).toBe(8 * (24 * 24 + 4 * 26));
      learner.dispose();
    }
    expect(results[0]).toBe(results[1]);
    expect(results[0]).toBeGreaterThan(0.9);
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });

  it('with a base begins where observing it would have ended', async () => {
    const model = network();
    const [fed, told] = [await deepSlda(model, { base: train }), await deepSlda(model)];
    for (const example of iid(train)) await told.observe(example);
    const [a, b] = [await fed.scores(test), await told.scores(test)];
    for (let i = 0; i < a.length; i++) expect(a[i]).toBeCloseTo(b[i]!, 3);
    model.dispose();
  });

  it.each([0, 2, NaN])('refuses a shrinkage of %s', async (shrinkage) => {
    const model = network();
    await expect(deepSlda(model, { shrinkage })).rejects.toThrow(/shrinkage must be in \(0, 1\]/);
    model.dispose();
  });
});

describe('ExStream', () => {
  it('remembers classes on prototypes within its bytes and leaks nothing', async () => {
    const model = network();
    const before = memory().numTensors;
    const bytes = 4 * (5 * (24 * 4 + 8) + 4 * 5 * 6 + 4);
    const learner = await exStream(model, { bytes, seed: 1, optimizer: { name: 'sgd', learningRate: 0.5 } });
    const { tests, bytes: used } = await runStream(learner, classIncremental(train, { seed: 1 }), test);
    expect(used).toBe(bytes);
    expect(tests.at(-1)!.top1).toBeGreaterThan(0.8);
    expect(learner.updates).toBe(train.size);
    learner.dispose();
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });

  it('refuses bytes without room for a prototype of each class', async () => {
    const model = network();
    await expect(exStream(model, { bytes: 100 })).rejects.toThrow(/prototype of each of 4 classes/);
    await expect(exStream(model, {})).rejects.toThrow(/got capacity undefined/);
    model.dispose();
  });
});
