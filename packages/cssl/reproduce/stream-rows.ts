import type { Progress, Split } from '@ockham/core';
import { runStream, type Stream, type StreamLearner, type TestResult } from '@ockham/cssl';
import type { Row } from '@ockham/reproduce';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** A learner after one test of a stream. */
export interface StreamRow extends Row {
  readonly data: string;
  readonly method: string;
  /** Classes seen by then. */
  readonly classes: number;
  /** Whether this is the last test of its stream. */
  readonly last: boolean;
  /** Test accuracy on the classes seen. */
  readonly top1: number;
  readonly top5: number;
  /** Kept of the stream beside the weights. */
  readonly bytes: number;
  readonly updates: number;
  /** Examples that went forward and backward. */
  readonly trained: number;
}

/** What of a run's context a stream needs. */
export interface StreamRun {
  readonly seed: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  once<T>(name: string, work: () => T | Promise<T>): Promise<T>;
}

/** A learner on a stream. */
export interface Learning {
  readonly data: string;
  readonly method: string;
  readonly stream: Stream;
  readonly test: Split;
  /** Made when it is needed, and disposed of. */
  readonly model: () => LayersModel | Promise<LayersModel>;
  readonly learner: (model: LayersModel) => StreamLearner | Promise<StreamLearner>;
  /** Position to begin at; what comes before is a base. Default 0. */
  readonly from?: number;
  /** New examples that arrive together. Default 1. */
  readonly batch?: number;
}

/** Runs a learner over a stream, once per seed, and gives a row for each test. */
export function streamRows(run: StreamRun, learning: Learning): Promise<StreamRow[]> {
  const { data, method, stream, test, from = 0, batch = 1 } = learning;
  const { seed, progress, signal } = run;
  return run.once(`${data}-${method}`.replaceAll(/[^\w-]+/g, '_'), async () => {
    const model = await learning.model();
    const learner = await learning.learner(model);
    try {
      const { tests } = await runStream(learner, stream, test, {
        from,
        batch,
        signal,
        progress: (event) => progress({ ...event, stage: `${data}, ${method}` }),
      });
      return tests.map((result) => rowOf(result, { seed, data, method }, stream));
    } finally {
      learner.dispose();
      model.dispose();
    }
  });
}

function rowOf(
  { after, classes, top1, top5, bytes, updates, trained }: TestResult,
  head: Pick<StreamRow, 'seed' | 'data' | 'method'>,
  stream: Stream,
): StreamRow {
  return {
    ...head,
    classes: classes.length,
    last: after === stream.size,
    top1,
    top5,
    bytes,
    updates,
    trained,
  };
}
