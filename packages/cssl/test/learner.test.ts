import '@tensorflow/tfjs';
import { memoryStore } from '@ockham/core/files';
import { cloneModel, mlp } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { trainableVariables, trainStep, lossFunction, saveWeights } from '@ockham/core/training';
import { coldStart, type ImageBatch } from '@ockham/cssl';
import { memory, train } from '@tensorflow/tfjs-core';
import { layers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, it, vi } from 'vitest';
import { Head } from '../src/learner/head.ts';
import { image, splitOf, stream } from './row-images.ts';
import { keepUntilEnd, made, network, settings, start, valuesOf } from './row-learners.ts';

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

  it.each([
    ['fixed', 8],
    ['adaptive', 8 + 7], // a second gradient of every batch but the first, whose step is given
    ['polyak', 8],
    ['line-search', 8], // trials go forward only
  ] as const)('counts what went forward and backward, with the %s step', async (step, trained) => {
    const learner = start(network(), { step, replay: { capacity: 40, batch: 0 } });
    await learner.fit(stream([0, 1], 4));
    // a new class forgets the weights before, of another shape: no second gradient there
    expect(learner.trained).toBe(step === 'adaptive' ? trained - 1 : trained);
  });

  it('knows the classes of what the caller has stored', async () => {
    const labels: number[] = [];
    const augment = ({ targets, size, classes }: ImageBatch) => {
      for (let i = 0; i < size; i++) labels.push(targets.subarray(i * classes, (i + 1) * classes).indexOf(1));
    };
    const learner = start(network(), { augment });
    for (const { x, y } of stream([4, 6], 10)) learner.buffer.store(x as Uint8Array, y);
    const { newClasses, replayed } = await learner.observe(stream([2], 1)[0]!);
    expect(replayed).toBe(7);
    expect(newClasses.toSorted()).toEqual([2, 4, 6]);
    expect(labels).toHaveLength(8);
    expect(new Set(labels)).toEqual(new Set([0, 1, 2]));
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
