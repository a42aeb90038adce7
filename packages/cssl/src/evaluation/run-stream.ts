import {
  ArgumentError,
  NonFiniteError,
  selectExamples,
  throwIfAborted,
  type Progress,
  type Split,
} from '@ockham/core';
import type { Stream, TestEvent } from '../stream/stream.ts';
import type { AccuracyMatrix } from './accuracy-matrix.ts';
import { countRight, shareRight } from './class-accuracies.ts';
import type { StreamLearner } from './stream-learner.ts';

/** Options of {@link runStream}. */
export interface RunStreamOptions {
  /** New examples handed over together, ≥ 1; a batch never reaches across a test. Default 1, the paper's. */
  readonly batch?: number;
  /** Position to go on from, for a learner that has seen the examples before it. Default 0. */
  readonly from?: number;
  /** Test examples for each forward pass. Default 500. */
  readonly testBatch?: number;
  /** After each test, for example to keep a snapshot. */
  readonly onTest?: (result: TestResult) => void | Promise<void>;
  /** After every observation. */
  readonly progress?: Progress;
  /** Ends the run before the next example or test. */
  readonly signal?: AbortSignal;
}

/** What a test finds. */
export interface TestResult extends TestEvent {
  /** On the test examples of all classes seen so far, in [0, 1]: what the paper's figures show. */
  readonly top1: number;
  /** Likewise, the right class among the five highest scores. */
  readonly top5: number;
  /** On each task of the stream, seen or not: a row of the accuracy matrix. */
  readonly tasks: readonly number[];
  /** Kept of the stream, at this moment. */
  readonly bytes: number;
  /** Optimizer steps since the learner was made. */
  readonly updates: number;
  /** Examples that went forward and backward since the learner was made, repeats counted. */
  readonly trained: number;
}

/** What {@link runStream} returns. */
export interface StreamResult {
  /** One for each event of the stream, in order. */
  readonly tests: readonly TestResult[];
  /** `[tests, tasks]`: the new classes at each test are a task. Only where every test brings new classes. */
  readonly matrix: AccuracyMatrix | undefined;
  /** Largest number of bytes kept of the stream at a test. */
  readonly bytes: number;
  /** Examples of the stream observed each second, tests not counted. */
  readonly examplesPerSecond: number;
  /** Optimizer steps each second, tests not counted. */
  readonly updatesPerSecond: number;
}

/**
 * Runs a learner over a stream and tests it at the stream's events, on all test examples of the classes seen so far.
 *
 * @param test Never learnt from.
 * @throws ArgumentError for options out of range or a class without test examples; AbortedError when the signal fires, before an
 *   example is observed; NonFiniteError for a score that is NaN.
 *
 * @example
 * const { tests } = await runStream(learner, classIncremental(data.train, { seed: 1 }), data.test);
 */
export async function runStream(
  learner: StreamLearner,
  stream: Stream,
  test: Split,
  options: RunStreamOptions = {},
): Promise<StreamResult> {
  const { batch = 1, from = 0, progress, signal } = options;
  if (!Number.isInteger(batch) || batch < 1) {
    throw new ArgumentError(`runStream: batch must be an integer ≥ 1, got ${batch}.`);
  }
  const known = testedClasses(stream, test);
  const tasks = tasksOf(stream);
  const tests: TestResult[] = [];
  const updatesBefore = learner.updates;
  let milliseconds = 0;
  let position = from;
  for (const event of stream.events) {
    if (event.after < from) continue;
    const start = performance.now();
    while (position < event.after) {
      throwIfAborted(signal, `runStream (example ${position} of ${stream.size})`);
      const end = Math.min(position + batch, event.after);
      const examples = Array.from({ length: end - position }, (_, i) => stream.at(position + i));
      await learner.observe(batch === 1 ? examples[0]! : examples);
      position = end;
      progress?.({ stage: stream.name, done: position, total: stream.size });
    }
    await learner.settle?.();
    milliseconds += performance.now() - start;
    const result = await testAt(learner, event, known, tasks, options.testBatch ?? 500, signal);
    tests.push(result);
    await options.onTest?.(result);
  }
  const seconds = Math.max(milliseconds, 1e-3) / 1000;
  return {
    tests,
    matrix:
      tasks.length === tests.length && tasks.every((task) => task.length > 0)
        ? tests.map((result) => result.tasks)
        : undefined,
    bytes: Math.max(0, ...tests.map((result) => result.bytes)),
    examplesPerSecond: (position - from) / seconds,
    updatesPerSecond: (learner.updates - updatesBefore) / seconds,
  };
}

/** The new classes at each test. */
function tasksOf(stream: Stream): (readonly number[])[] {
  return stream.events.map(({ classes }, t) => classes.slice(stream.events[t - 1]?.classes.length ?? 0));
}

/** The test examples of the stream's classes. */
function testedClasses(stream: Stream, test: Split): Split {
  const classes = new Set(stream.classes);
  const rows = Array.from({ length: test.size }, (_, i) => i).filter((i) => classes.has(test.y.values[i]!));
  const tested = new Set(rows.map((row) => test.y.values[row]!));
  const missing = stream.classes.filter((label) => !tested.has(label));
  if (missing.length > 0) {
    throw new ArgumentError(
      `runStream: every class of the stream needs test examples; there are none of ${missing.join(', ')}.`,
    );
  }
  return selectExamples(test, rows);
}

async function testAt(
  learner: StreamLearner,
  event: TestEvent,
  test: Split,
  tasks: readonly (readonly number[])[],
  batch: number,
  signal: AbortSignal | undefined,
): Promise<TestResult> {
  const scores = await scoresOf(learner, test, batch, signal);
  const right = countRight(test, scores);
  return {
    ...event,
    top1: shareRight(right, right.top1, event.classes),
    top5: shareRight(right, right.top5, event.classes),
    tasks: tasks.map((classes) => (classes.length > 0 ? shareRight(right, right.top1, classes) : 0)),
    bytes: learner.bytes,
    updates: learner.updates,
    trained: learner.trained,
  };
}

async function scoresOf(
  learner: StreamLearner,
  test: Split,
  batch: number,
  signal: AbortSignal | undefined,
): Promise<ArrayLike<number>> {
  let scores: Float32Array | undefined;
  let width = 0;
  for (let start = 0; start < test.size; start += batch) {
    throwIfAborted(signal, 'runStream (test)');
    const size = Math.min(batch, test.size - start);
    const part = await learner.scores(
      selectExamples(
        test,
        Int32Array.from({ length: size }, (_, i) => start + i),
      ),
    );
    width = part.length / size;
    scores ??= new Float32Array(test.size * width);
    scores.set(part, start * width);
  }
  const bad = scores!.findIndex((score) => Number.isNaN(score));
  if (bad >= 0) {
    throw new NonFiniteError(
      `runStream: the learner's score of class ${bad % width} is NaN for test example ${Math.floor(bad / width)}. Lower the learning rate.`,
    );
  }
  return scores!;
}
