import '@tensorflow/tfjs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Split } from '@ockham/core';
import { memoryStore } from '@ockham/core/files';
import { cloneModel, mlp } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { trainableVariables, trainStep, lossFunction, saveWeights } from '@ockham/core/training';
import { coldStart as coldStartInNode } from '@ockham/cssl/node';
import { coldStart, type ColdStartOptions, type Example, type Learner } from '@ockham/cssl';
import { memory, train } from '@tensorflow/tfjs-core';
import { layers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Head } from '../src/learner/head.ts';

/** A 4 × 4 image of class c: row c mod 4 bright, column c div 4 half bright, the rest noise. */
function image(label: number, random: Random): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => {
    const signal = (Math.floor(i / 4) === label % 4 ? 180 : 0) + (i % 4 === Math.floor(label / 4) ? 60 : 0);
    return Math.min(255, signal + random.integer(60));
  });
}

const example = (y: number, random: Random): Example => ({ x: image(y, random), y });

/** Class after class. */
function stream(labels: readonly number[], each: number, seed = 1): Example[] {
  const random = new Random(seed);
  return labels.flatMap((label) => Array.from({ length: each }, () => example(label, random)));
}

function splitOf(examples: readonly Example[]): Split {
  const values = new Uint8Array(examples.length * 16);
  for (const [i, { x }] of examples.entries()) values.set(x, i * 16);
  return {
    size: examples.length,
    x: { values, shape: [4, 4, 1], scale: 1 / 255 },
    y: { values: Int32Array.from(examples, ({ y }) => y), shape: [] },
  };
}

const made: { dispose(): unknown }[] = [];
const keepUntilEnd = <T extends { dispose(): unknown }>(value: T): T => (made.push(value), value);
afterEach(() => {
  for (const value of made.splice(0).reverse()) value.dispose();
});

const network = (seed = 3, dropout = 0): LayersModel =>
  keepUntilEnd(mlp({ inputShape: [4, 4, 1], units: [16], classes: 10, seed, dropout }));

const settings = { replay: { capacity: 40, batch: 7 }, seed: 5, learningRate: 0.1 } as const;

const start = (model: LayersModel, options: Partial<ColdStartOptions> = {}): Learner =>
  keepUntilEnd(coldStart(model, { ...settings, ...options }));

async function valuesOf(learner: Learner): Promise<number[]> {
  const model = await learner.toModel();
  const { arrays } = await saveWeights(model);
  model.dispose();
  return Object.values(arrays).flatMap((values) => [...values]);
}

const weightsOf = async (model: LayersModel) => Object.values((await saveWeights(model)).arrays);

describe('a stream, class after class', () => {
  it('is learnt from nothing, without forgetting the first class', async () => {
    const learner = start(network());
    const { examples, steps } = await learner.fit(stream([3, 1, 9, 0], 60));
    expect([examples, steps]).toEqual([240, 240]);
    expect(learner.classes).toEqual([3, 1, 9, 0]);
    const test = splitOf(stream([0, 1, 3, 9], 25, 99));
    expect((await learner.accuracy(test)).accuracy).toBeGreaterThan(0.95);
    expect(learner.buffer.size).toBe(40);
    expect(learner.counters).toEqual({ examples: 240, steps: 240, rolledBack: 0, trained: 240 * 8 - 28 });
  });

  it.each([
    ['momentum', 'fixed', 'model'],
    ['adam', 'fixed', 'model'],
    ['sgd', 'adaptive', 'model'],
    ['sgd', 'adaptive', 'layer'],
    ['momentum', 'adaptive', 'model'],
    ['sgd', 'polyak', 'model'],
    ['sgd', 'line-search', 'model'],
  ] as const)('is learnt with %s and the %s step, one for each %s', async (optimizer, step, stepPer) => {
    const learner = start(network(), {
      optimizer,
      stepPer,
      step: step === 'adaptive' ? { rule: step, growth: 0.1, ceiling: 0.5 } : step,
      learningRate: optimizer === 'adam' ? 0.01 : 0.05,
    });
    await learner.fit(stream([3, 1, 9, 0], step === 'adaptive' ? 60 : 30)); // it starts at 1e-4
    expect((await learner.accuracy(splitOf(stream([0, 1, 3, 9], 25, 99)))).accuracy).toBeGreaterThan(0.9);
    expect(learner.adaptive).toHaveLength(step !== 'adaptive' ? 0 : stepPer === 'layer' ? 2 : 1);
  });

  it('may come in mini-batches and as numbers in [0, 1], which are the same as bytes', async () => {
    const examples = stream([0, 1], 8);
    const asNumbers = examples.map(({ x, y }) => ({ x: Float32Array.from(x, (v) => v / 255), y }));
    const [bytes, numbers] = [start(network()), start(network())];
    await bytes.fit([examples.slice(0, 8), examples.slice(8)]);
    await numbers.fit([asNumbers.slice(0, 8), asNumbers.slice(8)]);
    expect(bytes.counters).toMatchObject({ examples: 16, steps: 2, trained: 8 + 15 });
    expect(await valuesOf(numbers)).toEqual(await valuesOf(bytes));
  });

  it('leaks no tensor and holds as many after a hundred steps as after ten', async () => {
    const before = memory().numTensors;
    const model = network(3, 0.3);
    const learner = start(model, {
      augment: ['crop-flip', 'mixup'],
      step: 'adaptive',
      replay: { capacity: 20, batch: 5, evict: 'herding', sample: 'loss-weighted' },
    });
    await learner.fit(stream([0, 1], 5));
    const early = memory().numTensors;
    await learner.fit(stream([0, 1], 50));
    await learner.predict(image(0, new Random(1)));
    await learner.accuracy(splitOf(stream([0, 1], 5)));
    await learner.save(memoryStore());
    expect(memory().numTensors).toBe(early);
    for (const value of made.splice(0).reverse()) value.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('is the same to the bit under the same seed, and another under another', async () => {
    const run = async (seed: number) => {
      const learner = start(network(3, 0.3), { seed, augment: ['crop-flip', 'cutmix'] });
      await learner.fit(stream([0, 1, 2], 10));
      return valuesOf(learner);
    };
    const first = await run(5);
    expect(await run(5)).toEqual(first);
    expect(await run(6)).not.toEqual(first);
  });
});

describe('a step', () => {
  it('is the one that train takes, where nothing is replayed', async () => {
    const model = network();
    const twin = keepUntilEnd(await cloneModel(model));
    const learner = start(model, {
      replay: { capacity: 40, batch: 0 },
      classes: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    });
    const examples = stream([4, 7], 6);
    const { loss } = await learner.observe(examples);
    const optimizer = keepUntilEnd(train.sgd(0.1));
    const expected = await trainStep(twin, optimizer, splitOf(examples), Int32Array.from(examples.keys()), {
      loss: lossFunction('crossEntropy'),
      random: new Random(0),
      step: 0,
    });
    expect(loss).toBeCloseTo(expected, 5);
    const got = await valuesOf(learner);
    const wanted = (await weightsOf(twin)).flatMap((values) => [...values]);
    expect(Math.max(...got.map((value, i) => Math.abs(value - wanted[i]!)))).toBeLessThan(1e-6);
  });

  it('grows the head and the velocity of its units, as a softmax classifier by hand does', async () => {
    const model = keepUntilEnd(mlp({ inputShape: [4, 4, 1], units: [], classes: 4, seed: 3 }));
    const learner = start(model, {
      replay: { capacity: 40, batch: 0 },
      optimizer: { name: 'momentum', momentum: 0.5 },
    });
    const examples = [...stream([5], 2), ...stream([2], 2), ...stream([5], 1, 8), ...stream([8], 3)];
    for (const item of examples) await learner.observe(item);

    // the same in plain numbers: units as the head draws them, velocities of new ones 0
    const drawn = new Head(
      { trunk: model, features: 16, dense: undefined },
      new Random(settings.seed).stream('head'),
    );
    const units: { w: number[]; v: number[] }[] = [];
    const labels: number[] = [];
    for (const { x, y } of examples) {
      if (!labels.includes(y)) {
        labels.push(y);
        drawn.add([y]);
        const kernel = await drawn.variables[0]!.data();
        const last = Array.from({ length: 16 }, (_, i) => kernel[i * labels.length + labels.length - 1]!);
        units.push({ w: [...last, 0], v: Array.from({ length: 17 }, () => 0) });
      }
      const input = [...Array.from(x, (value) => value / 255), 1];
      const logits = units.map(({ w }) => w.reduce((sum, value, i) => sum + value * input[i]!, 0));
      const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
      for (const [u, { w, v }] of units.entries()) {
        const error = Math.exp(logits[u]!) / total - (labels[u] === y ? 1 : 0);
        for (let i = 0; i < 17; i++) {
          v[i] = 0.5 * v[i]! + error * input[i]!;
          w[i]! -= 0.1 * v[i]!;
        }
      }
    }
    drawn.dispose();
    const [kernel, bias] = await weightsOf(keepUntilEnd(await learner.toModel()));
    const got = units.map((_, u) => [
      ...Array.from({ length: 16 }, (_, i) => kernel![i * 3 + u]!),
      bias![u]!,
    ]);
    for (const [u, { w }] of units.entries())
      for (const [i, value] of w.entries()) expect(got[u]![i]).toBeCloseTo(value, 5);
  });

  it('on a loss that is no number is undone, with the step that led to it, and counted', async () => {
    const rates = (step: number) => (step === 20 ? 1e38 : 0.1);
    for (const optimizer of ['sgd', 'momentum', 'adam'] as const) {
      const learner = start(network(), { optimizer, learningRate: rates });
      const examples = stream([0, 1], 15);
      await learner.fit(examples.slice(0, 20));
      const good = await valuesOf(learner);
      const wild = await learner.observe(examples[20]!);
      await expect(learner.predict(examples[0]!.x)).rejects.toMatchObject({ code: 'non-finite' });
      const caught = await learner.observe(examples[21]!);
      expect([wild.updated, caught.updated]).toEqual([true, false]);
      expect(caught.loss).not.toSatisfy(Number.isFinite);
      expect(await valuesOf(learner)).toEqual(good);
      expect(learner.counters).toMatchObject({ steps: 22, rolledBack: 1, examples: 22 });
      const { labels } = await learner.predict(examples[0]!.x);
      expect([0, 1]).toContain(labels[0]);
      const later = await learner.observe(examples[22]!);
      expect(later.updated).toBe(true);
      expect(learner.buffer.offered).toBe(23);
    }
  });

  it('uses the new example and the replayed ones, and gives augmentation one batch', async () => {
    const augment = vi.fn();
    const learner = start(network(), { augment });
    await learner.fit(stream([0], 10));
    const sizes = augment.mock.calls.map(([batch]) => (batch as { size: number }).size);
    expect(sizes).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 8, 8]);
  });
});

describe('the head', () => {
  it('is added where the model ends with features', async () => {
    const model = keepUntilEnd(
      sequential({
        layers: [layers.flatten({ inputShape: [4, 4, 1] }), layers.dense({ units: 6, activation: 'relu' })],
      }),
    );
    const learner = start(model);
    await learner.observe(stream([2, 6], 2));
    const { labels, classes, probabilities } = await learner.predict([
      image(2, new Random(3)),
      image(6, new Random(4)),
    ]);
    expect(classes).toEqual([2, 6]);
    expect([...labels].every((label) => classes.includes(label))).toBe(true);
    expect(probabilities[0]! + probabilities[1]!).toBeCloseTo(1, 5);
  });

  it('takes over the outputs that a pre-trained model has, by their labels', async () => {
    const model = network();
    const learner = start(model, { classes: [10, 11, 12, 13, 14, 15, 16, 17, 18, 19] });
    const before = await weightsOf(model);
    const after = await weightsOf(keepUntilEnd(await learner.toModel()));
    expect(after).toEqual(before);
    await learner.observe(stream([3], 1));
    expect(learner.classes).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 3]);
  });

  it('leaves the scores of classes that were not seen at −∞', async () => {
    const learner = start(network());
    await learner.fit(stream([3, 1], 3));
    const scores = await learner.scores(splitOf(stream([0, 1], 1)));
    expect(scores).toHaveLength(2 * 4);
    expect([...scores.keys()].filter((i) => scores[i] === Number.NEGATIVE_INFINITY)).toEqual([0, 2, 4, 6]);
  });

  it('is refused where a model ends with something that cannot grow', () => {
    const pooled = keepUntilEnd(
      sequential({ layers: [layers.conv2d({ inputShape: [4, 4, 1], filters: 3, kernelSize: 3 })] }),
    );
    expect(() => coldStart(pooled, settings)).toThrow('needs features of shape [batch, features]');
    const softmaxed = keepUntilEnd(
      sequential({
        layers: [layers.flatten({ inputShape: [4, 4, 1] }), layers.activation({ activation: 'softmax' })],
      }),
    );
    expect(() => coldStart(softmaxed, settings)).toThrow('which cannot grow');
  });
});

describe('freezing', () => {
  it('holds the first weights that fit into the fraction, to the bit', async () => {
    const model = keepUntilEnd(mlp({ inputShape: [4, 4, 1], units: [8, 8], classes: 10, seed: 3 }));
    const total = 17 * 8 + 9 * 8 + 9 * 10;
    const learner = start(model, { freeze: (17 * 8) / total });
    expect(learner.frozen).toEqual({ parameters: 17 * 8, of: total });
    const before = await Promise.all(trainableVariables(model).map(async (v) => (await v.data()).slice()));
    await learner.fit(stream([0, 1], 10));
    const after = await Promise.all(trainableVariables(model).map(async (v) => (await v.data()).slice()));
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
    expect(after[2]).not.toEqual(before[2]);
  });

  it('lets only the head learn at 1, with the statistics of batch normalisation as they came', async () => {
    const model = keepUntilEnd(
      sequential({
        layers: [
          layers.flatten({ inputShape: [4, 4, 1] }),
          layers.dense({ units: 8 }),
          layers.batchNormalization(),
          layers.dense({ units: 3, activation: 'softmax' }),
        ],
      }),
    );
    const learner = start(model, { freeze: 1 });
    const before = await weightsOf(model);
    const { loss } = await learner.fit(stream([0, 1], 20));
    expect(loss).toBeLessThan(Math.LN2);
    expect(await weightsOf(model)).toEqual(before);
  });
});

describe('batch normalisation', () => {
  it('learns its statistics from new and replayed examples, or keeps them', async () => {
    for (const [batchNorm, changes] of [
      ['learn', true],
      ['freeze', false],
    ] as const) {
      const model = keepUntilEnd(
        sequential({
          layers: [
            layers.flatten({ inputShape: [4, 4, 1] }),
            layers.batchNormalization({ name: 'norm' }),
            layers.dense({ units: 3, activation: 'softmax' }),
          ],
        }),
      );
      const learner = start(model, { batchNorm });
      await learner.observe(stream([0], 1));
      expect(Math.max(...model.getLayer('norm').getWeights()[2]!.dataSync())).toBe(0); // one example has no statistics
      await learner.fit(stream([0, 1], 5));
      expect(Math.max(...model.getLayer('norm').getWeights()[2]!.dataSync()) > 0).toBe(changes);
    }
  });

  it('has its statistics moved once a step, however often the adaptive step computes the batch', async () => {
    const statistics = async (step: 'fixed' | 'adaptive') => {
      const model = keepUntilEnd(
        sequential({
          layers: [
            layers.flatten({ inputShape: [4, 4, 1] }),
            layers.batchNormalization({ name: 'norm' }),
            layers.dense({ units: 3, activation: 'softmax' }),
          ],
        }),
      );
      await start(model, { step }).fit(stream([0, 1], 5));
      return [...model.getLayer('norm').getWeights()[2]!.dataSync()];
    };
    expect(await statistics('adaptive')).toEqual(await statistics('fixed')); // of the input, whatever the weights
  });
});

describe('saving', () => {
  const options = {
    ...settings,
    augment: ['crop-flip', 'mixup'],
    optimizer: 'momentum',
    learningRate: 0.03,
    replay: { capacity: 12, batch: 5, sample: 'loss-weighted', codec: 'quantise(4)' },
  } as const;

  it.each([
    ['momentum', 'fixed'],
    ['adam', 'fixed'],
    ['sgd', 'adaptive'],
    ['sgd', 'polyak'],
    ['sgd', 'line-search'],
  ] as const)('goes on to the bit, buffer included, with %s and the %s step', async (optimizer, step) => {
    const examples = stream([0, 1, 2, 3], 8);
    const all = { ...options, optimizer, step };
    const whole = start(network(3, 0.3), all);
    await whole.fit(examples);

    const store = memoryStore();
    const first = start(network(3, 0.3), all);
    await first.fit(examples.slice(0, 13));
    await first.save(store);
    const second = start(network(77, 0.3), all); // its own weights are replaced
    expect(await second.load(store)).toEqual({ lost: [] });
    await second.fit(examples.slice(13));

    expect(await valuesOf(second)).toEqual(await valuesOf(whole));
    expect(second.counters).toEqual(whole.counters);
    const { records, arrays } = whole.buffer.save();
    expect(second.buffer.save()).toMatchObject({ records, arrays });
  });

  it('writes a file in Node; a damaged record is reported, and the rest loads', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ockham-'));
    const path = join(folder, 'learner.ockham');
    try {
      const learner = keepUntilEnd(coldStartInNode(network(), options));
      await learner.fit(stream([0, 1], 10));
      await learner.save(path);
      const bytes = await readFile(path);
      bytes[bytes.length - 1]! ^= 1; // the last record
      await writeFile(path, bytes);
      const again = keepUntilEnd(coldStartInNode(network(), options));
      const { lost } = await again.load(path);
      expect(lost).toHaveLength(1);
      expect(again.buffer.size).toBe(learner.buffer.size - 1);
      expect(await valuesOf(again)).toEqual(await valuesOf(learner));
      bytes[40]! ^= 1; // the description
      await writeFile(path, bytes);
      await expect(again.load(path)).rejects.toMatchObject({ code: 'corrupt-file' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('does all that at once with the paper’s pipeline and JPEG records', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ockham-'));
    try {
      const learner = keepUntilEnd(
        coldStartInNode(network(), {
          replay: { capacity: 2_000, batch: 31, codec: 'jpeg' },
          augment: ['crop-flip', 'mixup', 'cutmix', 'autoaugment'],
          seed: 1,
        }),
      );
      for (const item of stream([0, 1, 2], 20)) await learner.observe(item);
      const { labels } = await learner.predict(image(0, new Random(2)));
      expect([0, 1, 2]).toContain(labels[0]);
      await learner.save(join(folder, 'learner.ockham'));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('refuses what belongs to other options, another model, or nobody, and stays as it was', async () => {
    const store = memoryStore();
    const learner = start(network());
    await expect(learner.load(store)).rejects.toThrow('there is nothing to load');
    await learner.fit(stream([0, 1], 3));
    await learner.save(store);
    for (const options of [{ seed: 6 }, { replay: { capacity: 41, batch: 7 } }]) {
      await expect(start(network(), options).load(store)).rejects.toMatchObject({
        code: 'checkpoint-mismatch',
      });
    }
    const wider = keepUntilEnd(mlp({ inputShape: [4, 4, 1], units: [17], classes: 10, seed: 3 }));
    const other = start(wider);
    await other.fit(stream([5], 3));
    const before = await valuesOf(other);
    await expect(other.load(store)).rejects.toMatchObject({ code: 'checkpoint-mismatch' });
    expect(await valuesOf(other)).toEqual(before);
    await store.write({ meta: { kind: 'else' }, arrays: {} });
    await expect(learner.load(store)).rejects.toThrow("must be a learner's, got else");
    await expect(learner.save('name')).rejects.toMatchObject({ code: 'storage-failed' }); // no IndexedDB here
  });
});

describe('fit', () => {
  it('reports each step and stops between two when the signal fires', async () => {
    const controller = new AbortController();
    const learner = start(network());
    const seen: number[] = [];
    const done = learner.fit(stream([0], 10), {
      signal: controller.signal,
      total: 10,
      progress: ({ done: examples, total }) => seen.push(examples / total),
      onStep: () => {
        if (learner.counters.steps === 4) controller.abort();
      },
    });
    await expect(done).rejects.toMatchObject({ code: 'aborted' });
    expect(seen).toEqual([0.1, 0.2, 0.3, 0.4]);
    expect(learner.counters.steps).toBe(4);
  });
});

describe('bad input', () => {
  const pixels = new Uint8Array(16);

  it.each([
    [{ x: new Uint8Array(15), y: 0 }, 'must have 4 × 4 × 1 = 16 values, got 15'],
    [{ x: new Float32Array(16).fill(255), y: 0 }, 'must be in [0, 1], got 255 at 0'],
    [{ x: new Float32Array(16).fill(Number.NaN), y: 0 }, 'must be in [0, 1], got NaN at 0'],
    [{ x: [0] as never, y: 0 }, 'must be a Uint8Array of bytes or a Float32Array'],
    [{ x: pixels, y: 0.5 }, 'a label must be an integer in [0, 2³¹), the number of its class, got 0.5'],
    [{ x: pixels, y: -1 }, 'got -1'],
    [{ x: pixels, y: '3' as never }, 'got 3'],
    [[], 'needs at least one example, got none'],
    [
      [
        { x: pixels, y: 0 },
        { x: pixels, y: Number.NaN },
      ],
      '(example 1): a label must be',
    ],
  ])('is refused before anything has changed: %#', async (bad, message) => {
    const learner = start(network());
    await expect(learner.observe(bad)).rejects.toThrow(message);
    expect([learner.classes, learner.buffer.size, learner.counters.steps]).toEqual([[], 0, 0]);
  });

  it.each([
    [{ replay: { capacity: 10, batch: -1 } }, 'replay.batch must be an integer ≥ 0, got -1'],
    [{ replay: { capacity: 0 } }, 'capacity'],
    [{ learningRate: 0 }, 'learningRate must be a number > 0, got 0'],
    [{ optimizer: 'rmsprop' as 'sgd' }, 'optimizer must be sgd, momentum or adam, got rmsprop'],
    [{ optimizer: 'adam', step: 'adaptive' }, 'so does Adam'],
    [{ step: 'polyak', stepPer: 'layer' }, "stepPer must be 'model' for every step but the adaptive one"],
    [{ freeze: 25 }, 'freeze must be a fraction of the parameters in [0, 1], got 25'],
    [{ classes: [1, 2] }, 'classes must name the label of each output of the model, 10, got 2'],
    [{ scale: 0 }, 'scale must be a number > 0, got 0'],
    [{ imageShape: [4, 4, 2] as never }, 'imageShape must be [height, width, 1 or 3] with the 16 values'],
    [{ augment: ['blur' as 'mixup'] }, 'got blur'],
  ] as const)('is refused in the options: %o', (options, message) => {
    expect(() => start(network(), options)).toThrow(message);
  });

  it('is an observation before the former has ended, or a question before a first class', async () => {
    const learner = start(network());
    await expect(learner.predict(pixels)).rejects.toThrow('no class is known yet');
    const first = learner.observe({ x: pixels, y: 0 });
    await expect(learner.observe({ x: pixels, y: 0 })).rejects.toThrow('learner.observe has not ended');
    await first;
    await expect(learner.accuracy(splitOf(stream([7], 2)))).rejects.toThrow(
      'none of the 2 examples is of a class',
    );
    expect((await learner.accuracy(splitOf(stream([7], 2)), { classesSeen: false })).accuracy).toBe(0);
  });

  it('is a class for which the buffer has no room, refused before the step', async () => {
    const learner = start(network(), { replay: { capacity: 2, batch: 2 } });
    await learner.fit(stream([0, 1], 2));
    await expect(learner.observe(stream([2], 1))).rejects.toThrow('one image of each class');
    expect(learner.counters.steps).toBe(4);
    expect(learner.classes).toEqual([0, 1]);
  });
});
