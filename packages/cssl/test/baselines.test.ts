import { memory } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { Split } from '@ockham/core';
import { train as trainModel } from '@ockham/core/training';
import { mlp, tableOneCnn } from '@ockham/core/models';
import {
  classIncremental,
  coldStart,
  deepSlda,
  derPlusPlus,
  experienceReplay,
  exStream,
  fineTune,
  gdumb,
  icarl,
  iid,
  jointOffline,
  remind,
  runStream,
  type StreamLearner,
} from '@ockham/cssl';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { brightSpots } from './fixtures/bright-spots.ts';

const train = brightSpots(4, 25, 1);
const test = brightSpots(4, 10, 2);
const network = (classes = 4) => mlp({ inputShape: [6, 6, 1], classes, units: [24], seed: 3 });
const optimizer = { name: 'sgd', learningRate: 0.2 } as const;
const bytes = 4_000; // some 60 images of 36 bytes

/** Every baseline at one budget, and the least it reaches here. */
const every: [name: string, least: number, make: (model: LayersModel) => Promise<StreamLearner>][] = [
  ['experienceReplay', 0.7, (model) => experienceReplay(model, { bytes, optimizer, seed: 1 })],
  ['derPlusPlus', 0.7, (model) => derPlusPlus(model, { bytes, optimizer, seed: 1 })],
  ['icarl', 0.7, (model) => icarl(model, { bytes: 3 * bytes, optimizer, seed: 1 })],
  ['gdumb', 0.8, (model) => gdumb(model, { bytes, epochs: 10, seed: 1 })],
  ['jointOffline', 0.9, (model) => jointOffline(model, { epochs: 8, seed: 1 })],
  ['exStream', 0.6, (model) => exStream(model, { bytes, optimizer, seed: 1 })],
  ['deepSlda', 0.8, (model) => deepSlda(model)],
  [
    'remind',
    0.6,
    (model) =>
      remind(model, {
        bytes: 2 * bytes,
        base: train,
        quantiser: { codewords: 16, codebooks: 12 },
        optimizer,
        seed: 1,
      }),
  ],
];

describe.each(every)('%s', (name, least, make) => {
  it('learns one class at a time, within its bytes, the same under a seed, and leaks nothing', async () => {
    const model = network();
    const before = memory().numTensors;
    const run = async () => {
      const learner = await make(model);
      const { tests, bytes: used } = await runStream(learner, classIncremental(train, { seed: 1 }), test, {
        batch: 4,
      });
      const scores = await learner.scores(test);
      learner.dispose();
      return { tests, used, scores };
    };
    const first = await run();
    expect(first.tests.at(-1)!.top1).toBeGreaterThanOrEqual(least);
    expect(first.tests[0]!.top1).toBeGreaterThan(0.8); // only classes seen are predicted, or the base is known
    if (!['jointOffline', 'deepSlda'].includes(name)) expect(first.used).toBeLessThanOrEqual(3 * bytes);
    expect(memory().numTensors).toBe(before);
    expect(await run()).toEqual(first);
    model.dispose();
  });

  it('refuses what is no image of its model, before anything is learnt', async () => {
    const model = network();
    const learner = await make(model);
    const updates = learner.updates;
    await expect(learner.observe({ x: new Uint8Array(5), y: 0 })).rejects.toThrow(
      /must have .* = 36 values, got 5/,
    );
    await expect(learner.observe({ x: new Uint8Array(36), y: 1.5 })).rejects.toThrow(
      /label must be an integer/,
    );
    expect(learner.updates).toBe(updates);
    learner.dispose();
    model.dispose();
  });
});

it('the cold-start learner runs over a stream as the baselines do', async () => {
  const model = network();
  const learner = coldStart(model, { replay: { bytes }, optimizer: 'sgd', learningRate: 0.2, seed: 1 });
  const { tests, bytes: used } = await runStream(learner, classIncremental(train, { seed: 1 }), test);
  expect(tests.at(-1)!.top1).toBeGreaterThan(0.7);
  expect(used).toBeLessThanOrEqual(bytes);
  expect(learner.updates).toBe(train.size);
  learner.dispose();
  model.dispose();
});

describe('fine-tuning', () => {
  it('knows the last class only', async () => {
    const model = network();
    const learner = await fineTune(model, { optimizer, seed: 1 });
    const { tests, matrix } = await runStream(learner, classIncremental(train, { seed: 1 }), test);
    expect(tests.at(-1)!.top1).toBeLessThan(0.5);
    expect(matrix!.at(-1)!.at(-1)).toBe(1);
    expect(learner.bytes).toBe(0);
    expect(learner.trained).toBe(train.size);
    learner.dispose();
    model.dispose();
  });
});

describe('experience replay', () => {
  it('trains on the new examples and as many stored ones as asked for, once there are so many', async () => {
    const model = network();
    const learner = await experienceReplay(model, { capacity: 10, replay: 7, steps: 2 });
    for (const example of iid(train).from(train.size - 4)) await learner.observe(example);
    expect(learner.updates).toBe(8);
    expect(learner.trained).toBe(2 * (1 + 2 + 3 + 4));
    learner.dispose();
    model.dispose();
  });

  it('remembers a base without an update', async () => {
    const model = network();
    const learner = await experienceReplay(model, { capacity: 10, base: train });
    expect([learner.updates, learner.bytes > 360]).toEqual([0, true]);
    learner.dispose();
    model.dispose();
  });

  it('refuses a class that the model has no output for', async () => {
    const model = network(3);
    const learner = await experienceReplay(model, { capacity: 10 });
    await expect(learner.observe({ x: new Uint8Array(36), y: 3 })).rejects.toThrow(
      /labels must be in \[0, 2\].*got 3/,
    );
    learner.dispose();
    model.dispose();
  });

  it.each([
    [{ capacity: 10, replay: -1 }, /replay must be an integer ≥ 0/],
    [{ capacity: 10, steps: 0 }, /steps must be an integer ≥ 1/],
    [{}, /capacity \(examples\) or bytes/],
  ])('refuses %j', async (options, message) => {
    const model = network();
    await expect(experienceReplay(model, options)).rejects.toThrow(message);
    model.dispose();
  });

  it('says so when it diverges', async () => {
    const model = network();
    const learner = await fineTune(model, { optimizer: { name: 'sgd', learningRate: 1e30 } });
    const diverge = async () => {
      for (const example of iid(train)) await learner.observe(example);
    };
    await expect(diverge()).rejects.toThrow(
      /fineTune: the loss became .* Lower the learning rate, now 1e\+30/,
    );
    learner.dispose();
    model.dispose();
  });
});

describe('GDumb', () => {
  it('keeps a balanced memory whatever the stream, and trains once for each test', async () => {
    const model = network();
    const learner = await gdumb(model, { capacity: 12, epochs: 2, batch: 5 });
    for (const example of classIncremental(train, { seed: 2 })) await learner.observe(example);
    await learner.settle!();
    expect(learner.updates).toBe(2 * 3);
    await learner.settle!();
    expect(learner.updates).toBe(2 * 3);
    learner.dispose();
    model.dispose();
  });

  it('takes augmentations', async () => {
    const model = network();
    const learner = await gdumb(model, { capacity: 40, epochs: 10, augment: ['cutmix'] });
    const { tests } = await runStream(learner, iid(train, { tests: 1 }), test, { batch: 40 });
    expect(tests[0]!.top1).toBeGreaterThan(0.5);
    learner.dispose();
    model.dispose();
  });
});

describe('REMIND', () => {
  it('freezes what is below the cut and learns what is above', async () => {
    const model = tableOneCnn({ inputShape: [12, 12, 1], classes: 4, dropout: 0 });
    const wide = (split: Split) => {
      const values = new Uint8Array(split.size * 144);
      for (let i = 0; i < values.length; i++) {
        const [row, column] = [Math.floor((i % 144) / 12), i % 12];
        values[i] = split.x.values[Math.floor(i / 144) * 36 + (row >> 1) * 6 + (column >> 1)]!;
      }
      return { ...split, x: { values, shape: [12, 12, 1], scale: 1 / 255 } };
    };
    const [base, tested] = [wide(train), wide(test)];
    await trainModel(model, base, { epochs: 2, batchSize: 16 });
    const learner = await remind(model, {
      base,
      capacity: 100,
      after: 'pool1',
      quantiser: { codebooks: 8, codewords: 32 },
      optimizer: { name: 'sgd', learningRate: 0.02 },
    });
    const { tests } = await runStream(learner, iid(base, { tests: 1 }), tested, { batch: 8 });
    expect(tests[0]!.top1).toBeGreaterThan(0.8);
    learner.dispose();
    model.dispose();
  });

  it('refuses bytes that the codebooks alone would take', async () => {
    const model = network();
    const before = memory().numTensors;
    await expect(remind(model, { base: train, bytes: 500 })).rejects.toThrow(/must hold the codebooks/);
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });
});
