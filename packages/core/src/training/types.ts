import type { NamedTensorMap, Optimizer, Tensor } from '@tensorflow/tfjs-core';
import type { Progress } from '../progress.ts';
import type { Seed } from '../random/random.ts';

/** Plain data that can be written to disk and read back to the bit: JSON beside named typed arrays. */
export interface Snapshot {
  /** JSON; numbers come back to the bit. */
  readonly meta: Readonly<Record<string, unknown>>;
  /** Typed arrays by name. */
  readonly arrays: Readonly<Record<string, Float32Array | Float64Array | Int32Array | Uint8Array>>;
}

/** Where a checkpoint is kept. `write` replaces the former content atomically. */
export interface SnapshotStore {
  /** The last content that was written whole, or `undefined` where there is none. */
  read(): Promise<Snapshot | undefined>;
  /** Replaces the content. A write that is cut short leaves the former one. */
  write(snapshot: Snapshot): Promise<void>;
  /** Forgets the content. Nothing happens where there is none. */
  remove(): Promise<void>;
}

/** Restricts updates to a set, for example to the weights that a mask leaves. Owned by the caller. */
export interface UpdateConstraint {
  /** Changes gradients before the optimizer sees them; runs inside a `tidy`. Keys are variable names. */
  gradients?(gradients: NamedTensorMap): NamedTensorMap;
  /** Brings the weights back into the set after an update. */
  apply?(): void;
}

/** A loss over one batch, a scalar to minimise. `prediction` is `model.apply(x)`, `[batch, …]`. */
export type LossFunction = (target: Tensor, prediction: Tensor) => Tensor;

/**
 * `crossEntropy` takes class indexes and probabilities (a softmax output); `crossEntropyFromLogits` class
 * indexes and logits; `meanSquaredError` real targets.
 */
export type Loss = 'crossEntropy' | 'crossEntropyFromLogits' | 'meanSquaredError' | LossFunction;

/** An optimizer by name. Defaults of the rates: sgd 0.01, momentum 0.01 with 0.9, adam 0.001 (Keras). */
export interface OptimizerSpec {
  /** `momentum` is sgd with momentum. */
  readonly name: 'sgd' | 'momentum' | 'adam';
  /** Step size, > 0. Default 0.01, for adam 0.001. */
  readonly learningRate?: number;
  /** Only for `momentum`. Default 0.9. */
  readonly momentum?: number;
}

/** Mean loss of one epoch. */
export interface EpochRecord {
  /** Number of the epoch, from 1. */
  readonly epoch: number;
  /** Mean over the steps of the epoch. */
  readonly loss: number;
  /** Optimizer steps of the epoch. */
  readonly steps: number;
}

/** Options of `train`. Only `epochs` is required. */
export interface TrainOptions {
  /** Passes over the data, ≥ 0. Fractions allow less than one pass: 0.5 is half the batches. */
  readonly epochs: number;
  /** A tf optimizer (kept, not disposed) or a spec (made and disposed here). Default adam, 0.001. */
  readonly optimizer?: Optimizer | OptimizerSpec | OptimizerSpec['name'];
  /** Learning rate, > 0, or that for step `step` of `total`; overrides the optimizer's own. */
  readonly learningRate?: number | ((step: number, total: number) => number);
  /** Default `crossEntropy`. */
  readonly loss?: Loss;
  /** Default 128. The last batch of an epoch may be smaller. */
  readonly batchSize?: number;
  /** Seeds the order of the examples and the dropout masks. Default 0. */
  readonly seed?: Seed;
  /** Default true: a new order each epoch. */
  readonly shuffle?: boolean;
  /** Keeps the weights in a set, such as those that a mask leaves. Default none. */
  readonly constraint?: UpdateConstraint;
  /** Called before step `step`, from 0, of `total`; of a run that is resumed, before those that are left. */
  readonly onStep?: (step: number, total: number) => void;
  /** Called and awaited after each epoch. */
  readonly onEpoch?: (record: EpochRecord) => void | Promise<void>;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
  /** Continue from here: weights, optimizer, position and random state. From a former `onSnapshot`. */
  readonly resumeFrom?: Snapshot;
  /** Receives a snapshot every `snapshotEvery` steps, at each epoch's end, and when the signal fires. */
  readonly onSnapshot?: (snapshot: Snapshot) => void | Promise<void>;
  /** Steps between snapshots. Default: epoch ends only. */
  readonly snapshotEvery?: number;
  /** Short form of the two above: read from and write to a store, removed when training is complete. */
  readonly checkpoint?: SnapshotStore;
}

/** What `train` returns. */
export interface TrainResult {
  /** One record for each epoch. */
  readonly epochs: readonly EpochRecord[];
  /** Optimizer steps, in total, those before a resume included. */
  readonly steps: number;
}
