import type { Progress } from '@ockham/core';
import type { SnapshotStore } from '@ockham/core/training';

/** What `Learner.observe` did. */
export interface Observation {
  /** Mean cross-entropy over the new and the replayed examples, before the step, regularisation included. */
  readonly loss: number;
  /** False where the loss or a gradient was not finite and the step before was undone. */
  readonly updated: boolean;
  /** η of the step; the mean over the layers where each has its own. */
  readonly learningRate: number;
  /** Replayed examples in the batch. */
  readonly replayed: number;
  /** Labels that were met for the first time: the head has grown by as many units. */
  readonly newClasses: readonly number[];
}

/** Options of `Learner.fit`. */
export interface FitOptions {
  /** Ends the run between two steps. */
  readonly signal?: AbortSignal;
  /** After every step: `done` examples, and the loss among the metrics. */
  readonly progress?: Progress;
  /** Examples in the stream, for `progress`. Default 0: not known. */
  readonly total?: number;
  /** After every step; the stream waits for it. */
  readonly onStep?: (observation: Observation) => void | Promise<void>;
  /** Where the learner is saved on the way, as by `learner.save`: at the end, when the signal fires, and every `snapshotEvery` steps. */
  readonly checkpoint?: string | SnapshotStore;
  /** Steps between two checkpoints, ≥ 1. Default 1,000. */
  readonly snapshotEvery?: number;
}

/** What `Learner.fit` returns. */
export interface FitResult {
  /** Observed in this run. */
  readonly examples: number;
  /** Taken in this run, those that were rolled back included. */
  readonly steps: number;
  /** Mean of the finite losses of the steps; NaN without any. */
  readonly loss: number;
}

/** Classes of images. */
export interface Predictions {
  /** The most probable class of each image. */
  readonly labels: Int32Array;
  /** `[images, classes]`, row-major; rows sum to 1. */
  readonly probabilities: Float32Array;
  /** The label of each column. */
  readonly classes: readonly number[];
}

/** Options of `Learner.accuracy`. */
export interface AccuracyOptions {
  /** Only examples of classes that the learner knows, the default; false counts all others as wrong. */
  readonly classesSeen?: boolean;
  /** Also count how often the right class is among so many. Default: not counted. */
  readonly topK?: number;
  /** Images of one forward pass, ≥ 1. Default 500. */
  readonly batchSize?: number;
  /** Ends the count between two forward passes. */
  readonly signal?: AbortSignal;
}

/** What `Learner.accuracy` measures, fractions in [0, 1]. */
export interface Accuracy {
  /** Share of the examples whose most probable class is the right one. */
  readonly accuracy: number;
  /** Only where `topK` was asked for. */
  readonly topK?: number;
  /** That were counted. */
  readonly examples: number;
}

/** What the learner has done so far. */
export interface Counters {
  /** New examples observed. */
  readonly examples: number;
  /** Steps, those that were rolled back included. */
  readonly steps: number;
  /** Steps on a loss or gradient that was not finite. */
  readonly rolledBack: number;
  /** Examples that went forward and backward through the model, replayed ones and the adaptive step's second gradient included. */
  readonly trained: number;
}
