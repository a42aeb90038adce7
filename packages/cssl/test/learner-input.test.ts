import '@tensorflow/tfjs';
import { coldStart, type ColdStartOptions } from '@ockham/cssl';
import { input, layers, model as connect } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { splitOf, stream } from './row-images.ts';
import { keepUntilEnd, network, settings, start } from './row-learners.ts';

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
    [undefined as never, 'an example must be { x, y }, pixels and the number of their class; got undefined'],
    [null as never, 'got null'],
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
    [{ replay: undefined as never }, 'options must have a replay and a seed, got'],
    [{ seed: undefined as never }, 'options must have a replay and a seed, got replay, seed'],
    [{ optimizer: { name: 'sgd', learningRate: 1 } as never }, 'optimizer must be without a learningRate'],
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

  it('is a model with two inputs, or a start without options', () => {
    const [a, b] = [input({ shape: [4, 4, 1] }), input({ shape: [4, 4, 1] })];
    const both = layers.add().apply([a, b]);
    const two = keepUntilEnd(connect({ inputs: [a, b], outputs: both as typeof a }));
    expect(() => coldStart(two, settings)).toThrow('one input and one output, got 2 and 1');
    expect(() => coldStart(network(), undefined as never as ColdStartOptions)).toThrow('got none');
  });

  it.each([
    ['a capacity', { capacity: 2 }],
    ['bytes', { bytes: 2 * (16 + 16 + 56) + 30 }],
    ['bytes, with records of any length', { bytes: 1_100, codec: 'jpeg(60)' }],
  ] as const)('is a class for which %s has no room, refused before the step', async (_, replay) => {
    const learner = start(network(), { replay: { ...replay, batch: 2 } });
    await learner.fit(stream([0], 4));
    let refused: unknown;
    for (const item of stream([1, 2, 3, 4, 5, 6, 7], 1)) {
      const { classes, counters, bytes } = learner;
      await learner.observe(item).catch((error: unknown) => (refused = error));
      if (refused === undefined) continue;
      expect(learner.classes).toEqual(classes);
      expect(learner.counters).toEqual(counters);
      expect(learner.bytes).toBe(bytes);
      break;
    }
    expect(refused).toMatchObject({ code: 'invalid-argument' });
    expect(String(refused)).toMatch(/learner.observe: the buffer must have room for one image of each class/);
    await learner.fit(stream([0], 3));
    expect(learner.buffer.classes.size).toBe(learner.classes.length);
  });

  it('is a checkpoint every half step, or a prediction of nothing', async () => {
    const learner = start(network());
    await expect(learner.fit([], { snapshotEvery: 0.5 })).rejects.toThrow(
      'snapshotEvery must be an integer ≥ 1',
    );
    await expect(learner.predict([])).rejects.toThrow('needs at least one image, got none');
  });
});
