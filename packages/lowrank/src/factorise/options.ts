import type { Optimizer } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Progress, Split } from '@ockham/core';
import type { LatencyOptions, ModelComparison } from '@ockham/core/metrics';
import type { Seed } from '@ockham/core/random';
import type { DistillOptions, EpochRecord, Loss, OptimizerSpec, SnapshotStore } from '@ockham/core/training';
import type { LowRankPlan } from './plan.ts';
import type { Targets } from '../layer-rules.ts';

/** Which ranks: exactly one of these. */
export interface RankRule {
  /** One rank for every layer, or ranks by layer path; then the layers named are the only ones changed. */
  readonly rank?: number | Readonly<Record<string, number>>;
  /** Fraction of each layer's Σ σ² to keep, in (0, 1). */
  readonly energy?: number;
  /** Parameters of the whole model at most, biases and what stays dense included. */
  readonly maxParameters?: number;
  /** Bytes on disk at most, in TensorFlow.js' own format, topology included. */
  readonly maxBytes?: number;
  /** FLOPs of one example at most, as `countFlops` of `@ockham/core/metrics` counts them. */
  readonly maxFlops?: number;
  /** Median milliseconds of a pass at most, measured here and now on batches of `latencyBatch`. */
  readonly maxMilliseconds?: number;
}

/** How a model is trained again after truncation. */
export interface LowRankRetrainOptions {
  /** Passes over the training data, of each stage, > 0; fractions allowed. Default 5. */
  readonly epochs?: number;
  /**
   * Truncations with training between, from 1: the ranks of the stages fall geometrically from the full ones to those
   * of the plan. Default 1, all at once.
   */
  readonly stages?: number;
  /** Default adam. A tf optimizer is kept and not disposed of. */
  readonly optimizer?: Optimizer | OptimizerSpec | OptimizerSpec['name'];
  /** At step `step` of `total` of each stage. Default 0.001 falling to 0 along half a cosine. */
  readonly learningRate?: (step: number, total: number) => number;
  /** Default 128. */
  readonly batchSize?: number;
  /** Default `crossEntropy`. */
  readonly loss?: Loss;
  /** Learns from the teacher's outputs beside the labels (Hinton, Vinyals and Dean 2015). Default: not used. */
  readonly distill?: DistillOptions;
  /** Default: the given model, which may be a smaller one where truncations follow each other. */
  readonly teacher?: LayersModel;
}

/** Options of {@link compressLowRank}. */
export interface CompressLowRankOptions extends RankRule {
  /** Layers that may change. Default every dense layer and convolution (1D, 2D). */
  readonly targets?: Targets;
  /**
   * With training data, truncation keeps what layers do to the inputs that they see, not their weights alone, and the
   * model can be trained again; with a test split the report has accuracies. The test split decides nothing.
   */
  readonly data?: { readonly train: Split; readonly test?: Split };
  /** Keep outputs on the training data (`activations`) or weights. Default `activations` where there are data. */
  readonly metric?: 'activations' | 'weights';
  /**
   * What decides between ranks that keep `maxParameters`, `maxBytes` or `maxFlops`: the `energy` that truncation leaves
   * of each layer, or from there the `loss` of the truncated model on training examples, measured for every exchange of
   * ranks between two layers until none lowers it. Default `energy`.
   */
  readonly choose?: 'energy' | 'loss';
  /** Training examples that activations and losses are taken on, from the first. Default 1,024, or all if there are fewer. */
  readonly examples?: number;
  /** δ over the mean variance of an input: how much a direction counts that no example shows. > 0. Default 0.01. */
  readonly damping?: number;
  /** Default: not trained again. */
  readonly retrain?: LowRankRetrainOptions;
  /** Batch that `maxMilliseconds` is for. Default 1. */
  readonly latencyBatch?: number;
  /** Seeds the order of examples and dropout when training again. Default 0. */
  readonly seed?: Seed;
  /** Where training again is kept while it lasts; a run that finds its checkpoint there goes on from it. */
  readonly checkpoint?: SnapshotStore;
  /** What the report measures beside counts; `false` for no report. Default: latency at batches of 1, 32 and 128. */
  readonly report?: { readonly latency?: LatencyOptions | false } | false;
  /** Called and awaited after each epoch of fine-tuning. */
  readonly onEpoch?: (record: EpochRecord) => void | Promise<void>;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** What {@link compressLowRank} returns. */
export interface CompressLowRankResult {
  /** The compressed model; the caller disposes of it. The given model is as it was. */
  readonly model: LayersModel;
  /** What was done to each layer. */
  readonly plan: LowRankPlan;
  /** Loss of each pass of training again, `epoch` counted over all stages. */
  readonly history: readonly EpochRecord[];
  /** Before and after, with warnings of what did not get better; absent with `report: false`. */
  readonly report?: ModelComparison;
}
