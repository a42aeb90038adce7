import '@tensorflow/tfjs';
import { memory } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { Split } from '@ockham/core';
import { memoryStore } from '@ockham/core/files';
import { mlp } from '@ockham/core/models';
import type { SnapshotStore } from '@ockham/core/training';
import {
  averageAccuracy,
  averageIncrementalAccuracy,
  backwardTransfer,
  classIncremental,
  countRight,
  forgetting,
  forwardTransfer,
  iid,
  offlineAccuracies,
  omegaAll,
  runStream,
  shareRight,
  type StreamLearner,
} from '@ockham/cssl';

const matrix = [
  [0.9, 0.2, 0.1],
  [0.6, 0.8, 0.3],
  [0.5, 0.7, 1.0],
];

describe('figures of a table worked by hand', () => {
  it.each([
    ['average accuracy', averageAccuracy(matrix), (0.5 + 0.7 + 1) / 3],
    ['average incremental accuracy', averageIncrementalAccuracy(matrix), (0.9 + 0.7 + 2.2 / 3) / 3],
    ['forgetting', forgetting(matrix), (0.4 + 0.1) / 2],
    ['backward transfer', backwardTransfer(matrix), (-0.4 - 0.1) / 2],
    ['forward transfer', forwardTransfer(matrix, [0, 0.1, 0.1]), (0.1 + 0.2) / 2],
    ['Ω of the paper’s two events', omegaAll([0.4, 0.6], [0.8, 0.75]), (0.5 + 0.8) / 2],
  ])('%s', (_name, found, expected) => expect(found).toBeCloseTo(expected, 12));

  it('forgetting counts from the best a task ever was, and is below 0 where tasks became better', () => {
    expect(forgetting([[0.5, 0, 0], [0.9, 0.5, 0], [0.6, 0.7, 1]])).toBeCloseTo((0.3 - 0.2) / 2, 12); // prettier-ignore
  });

  it.each([
    [() => omegaAll([], []), /every test needs/],
    [() => omegaAll([0.5], [0.5, 0.6]), /got 1 and 2/],
    [() => omegaAll([0.5], [0]), /above 0/],
    [() => omegaAll([1.5], [1]), /in \[0, 1\], got 1.5/],
    [() => forgetting([[1]]), /2 or more tests, got 1/],
    [() => backwardTransfer([[1, 0], [1]]), /square/],
    [() => forwardTransfer(matrix, [0]), /each of 3 tasks, got 1/],
  ])('refuses a table that is none: %#', (call, message) => expect(call).toThrow(message));
});

const labels = [0, 1, 2, 2];
const test: Split = {
  size: 4,
  x: { values: Uint8Array.from({ length: 4 }, (_, i) => i * 50), shape: [1, 1, 1], scale: 1 / 255 },
  y: { values: Int32Array.from(labels), shape: [] },
};

describe('right answers', () => {
  it('are counted by class; ties go to the lower class and −∞ is never right', () => {
    const scores = [1, 1, 0, 1, 1, 0, 0, 0, 5, -Infinity, -Infinity, -Infinity];
    const right = countRight(test, scores);
    expect(Object.fromEntries(right.top1)).toEqual({ 0: 1, 1: 0, 2: 1 });
    expect(Object.fromEntries(right.top5)).toEqual({ 0: 1, 1: 1, 2: 1 });
    expect(shareRight(right, right.top1, [0, 2])).toBeCloseTo(2 / 3);
  });

  it('a class beyond the scores is wrong', () => {
    expect(Object.fromEntries(countRight(test, [1, 0, 1, 0, 1, 0, 1, 0]).top5)).toEqual({ 0: 1, 1: 1, 2: 0 });
  });
});

/** Knows exactly what it has seen, and takes everything else for the class it saw last. */
class Memoriser implements StreamLearner {
  readonly seen = new Map<number, number>();
  readonly calls: number[] = [];
  last = 0;
  updates = 0;
  trained = 0;
  settled = 0;
  get bytes() {
    return this.seen.size;
  }
  async observe(examples: Parameters<StreamLearner['observe']>[0]) {
    const batch = Array.isArray(examples) ? examples : [examples];
    this.calls.push(batch.length);
    for (const { x, y } of batch) this.seen.set(x[0], (this.last = y));
    this.updates++;
    this.trained += batch.length;
  }
  async settle() {
    this.settled++;
  }
  async scores({ size, x }: Split) {
    const scores = new Float32Array(size * 3);
    for (let i = 0; i < size; i++) scores[i * 3 + (this.seen.get(x.values[i]!) ?? this.last)] = 1;
    return scores;
  }
  dispose() {
    this.seen.clear();
  }
}

describe('a run over a stream', () => {
  it('tests on the classes seen so far and fills the matrix', async () => {
    const learner = new Memoriser();
    const { tests, matrix, bytes } = await runStream(
      learner,
      classIncremental(test, { order: [2, 0, 1] }),
      test,
    );
    expect(tests.map(({ top1 }) => top1)).toEqual([1, 1, 1]);
    expect(tests.map(({ after, classes }) => [after, classes])).toEqual([
      [2, [2]],
      [3, [2, 0]],
      [4, [2, 0, 1]],
    ]);
    expect(matrix).toEqual([
      [1, 0, 0],
      [1, 1, 0],
      [1, 1, 1],
    ]);
    expect(bytes).toBe(4);
    expect(learner.settled).toBe(3);
  });

  it('hands over batches that never reach across a test, and goes on from a position', async () => {
    const learner = new Memoriser();
    const stream = classIncremental(test, { order: [2, 0, 1] });
    const { tests } = await runStream(learner, stream, test, { batch: 4, from: 2 });
    expect(learner.calls).toEqual([1, 1]);
    expect(tests).toHaveLength(3);
    expect(learner.seen.size).toBe(2);
  });

  it('has no matrix where tests bring no new classes', async () => {
    const { matrix, tests } = await runStream(new Memoriser(), iid(test, { tests: 4 }), test);
    expect(tests).toHaveLength(4);
    expect(matrix).toBeUndefined();
  });

  it('stops between examples when the signal fires', async () => {
    const learner = new Memoriser();
    const controller = new AbortController();
    const progress = ({ done }: { done: number }) => done === 3 && controller.abort();
    const run = runStream(learner, iid(test), test, { signal: controller.signal, progress });
    await expect(run).rejects.toMatchObject({ code: 'aborted' });
    expect(learner.calls).toHaveLength(3);
  });

  it('refuses a class that is never tested and a score that is NaN', async () => {
    const untested = { ...test, size: 2 };
    await expect(runStream(new Memoriser(), iid(test), untested)).rejects.toThrow(/none of 2/);
    const lost = Object.assign(new Memoriser(), {
      scores: async () => [NaN, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    });
    await expect(runStream(lost, iid(test), test)).rejects.toMatchObject({ code: 'non-finite' });
  });
});

describe('offline twins', () => {
  const stream = classIncremental(test, { order: [2, 0, 1] });
  const options = {
    build: () => mlp({ inputShape: [1, 1, 1], classes: 3, units: [8], seed: 1 }),
    training: { epochs: 2, seed: 1, batchSize: 2 },
  };

  it('train on what was seen, once for each configuration, and leak nothing', async () => {
    const stores = new Map<string, SnapshotStore>();
    const cache = (key: string) => {
      if (!stores.has(key)) stores.set(key, memoryStore());
      return stores.get(key)!;
    };
    let built = 0;
    const build = () => {
      built++;
      return options.build();
    };
    const before = memory().numTensors;
    const first = await offlineAccuracies(stream, test, { ...options, build, cache });
    expect(first.map(({ after }) => after)).toEqual([2, 3, 4]);
    expect(await offlineAccuracies(stream, test, { ...options, build, cache })).toEqual(first);
    expect(built).toBe(3);
    await offlineAccuracies(stream, test, { ...options, build, cache, configuration: { model: 'other' } });
    expect(built).toBe(6);
    expect(memory().numTensors).toBe(before);
  });

  it('are not kept under a configuration that has functions', async () => {
    const training = { ...options.training, learningRate: () => 0.1 };
    const cached = offlineAccuracies(stream, test, { ...options, training, cache: memoryStore });
    await expect(cached).rejects.toThrow(/plain data/);
  });
});
