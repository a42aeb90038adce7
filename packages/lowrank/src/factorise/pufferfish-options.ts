import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Progress, Split } from '@ockham/core';
import type { LatencyOptions, ModelComparison } from '@ockham/core/metrics';
import type { Seed } from '@ockham/core/random';
import type { EpochRecord, Loss, OptimizerSpec, SnapshotStore } from '@ockham/core/training';
import type { LowRankPlan } from './plan.ts';

/** Options of {@link pufferfish}. `from`, `epochs` and `warmupEpochs` are required. */
export interface PufferfishOptions {
  /** K: number of the first layer to factorise, from 1, among the dense layers and convolutions in their order. */
  readonly from: number;
  /** E, passes in all, warm-up included. */
  readonly epochs: number;
  /** E_wu, passes of the vanilla network, in [0, E); 0 for none. */
  readonly warmupEpochs: number;
  /** r over the full rank min(m, n) of each layer, in (0, 1), rounded, at least 1. Default 0.25 (as published). */
  readonly rankRatio?: number;
  /** One rank for every layer, or by layer path, in the place of `rankRatio`. */
  readonly rank?: number | Readonly<Record<string, number>>;
  /** Leaves the last of these layers whole: a classifier of few classes has no rank to spare. Default true. */
  readonly keepLast?: boolean;
  /** Default adam. Momenta start anew at the split, with the new weights. */
  readonly optimizer?: OptimizerSpec | OptimizerSpec['name'];
  /** {η_t}: at step `step` of all `total` steps of E, carried on through the split. Default the optimizer's own. */
  readonly learningRate?: (step: number, total: number) => number;
  /** Default 128. */
  readonly batchSize?: number;
  /** Default `crossEntropy`. */
  readonly loss?: Loss;
  /** Seeds the order of examples and dropout. Default 0. */
  readonly seed?: Seed;
  /** Where the run is kept while it lasts; a run that finds its checkpoint there goes on from it. */
  readonly checkpoint?: SnapshotStore;
  /** What the report measures beside counts; `false` for no report. Default: latency at batches of 1, 32 and 128. */
  readonly report?: { readonly latency?: LatencyOptions | false } | false;
  /** Called and awaited after each epoch of both phases. */
  readonly onEpoch?: (record: PufferfishEpoch) => void | Promise<void>;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** One pass; `epoch` counts through both phases. */
export interface PufferfishEpoch extends EpochRecord {
  /** `warm-up` for the full network, `hybrid` for the factored one. */
  readonly phase: 'warm-up' | 'hybrid';
}

/** What {@link pufferfish} returns. */
export interface PufferfishResult {
  /** The trained hybrid; the caller disposes of it. The given model is as it was. */
  readonly model: LayersModel;
  /** What was done to each layer from K on. */
  readonly plan: LowRankPlan;
  /** One record for each epoch, of both phases. */
  readonly history: readonly PufferfishEpoch[];
  /** The vanilla network (its counts, size and speed) against the hybrid; absent with `report: false`. */
  readonly report?: ModelComparison;
}

/** Training data; with a test split the report has the hybrid's accuracy. The test split decides nothing. */
export interface PufferfishData {
  /** Examples to train on. */
  readonly train: Split;
  /** Examples for the report only. */
  readonly test?: Split;
}
