import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Progress } from '@ockham/core';
import type { Seed } from '@ockham/core/random';
import type { Loss, OptimizerSpec, SnapshotStore } from '@ockham/core/training';
import type { Targets } from '../layer-rules.ts';
import type { DlrtReport } from './report.ts';

/** One number for every layer, or one for some of them by path. */
export type PerLayer = number | Readonly<Record<string, number>>;

/** Options of {@link dlrt}. Only `epochs` is required. */
export interface DlrtOptions {
  /** Passes over the data, ≥ 0. Fractions allow less than one pass. */
  readonly epochs: number;
  /** ϑ, in (0, 1): the part of a layer's singular values, by norm, that each step may drop. Default 0.1. */
  readonly tolerance?: number;
  /**
   * Of which norm: `frobenius`, smallest r with ‖(σ_{r+1}, …)‖₂ ≤ ϑ‖σ‖₂ (the NeurIPS paper), or `nuclear`, smallest r
   * with Σ_{j>r} σ_j ≤ ϑ Σ σ_j (the talk's sum). Default `frobenius`.
   */
  readonly norm?: 'frobenius' | 'nuclear';
  /** Fixed-rank mode: these ranks throughout, instead of `tolerance`, by steps of K and then L, which truncate nothing
   * and cost the least. A layer without an entry is adaptive. */
  readonly rank?: PerLayer;
  /** Default 1. */
  readonly minRank?: PerLayer;
  /** Default, and never more than, the largest rank whose factors are smaller than the layer: r (m + n) < m n. */
  readonly maxRank?: PerLayer;
  /** `dense`, the papers' way: the layer that the output comes from stays as it is. Default `dense`. */
  readonly lastLayer?: 'dense' | 'low-rank';
  /**
   * Form of the convolutions of more than 1×1. `matrix`: `[outputs, k·k·channels]`, two factors. `tucker`: a k×k core between a factor of
   * the channels that come in and one of those that go out, each mode with a rank of its own; ranks in options mean both,
   * as far as a mode goes, and the tolerance is halved between their squares. Default `matrix`.
   */
  readonly convolutions?: 'matrix' | 'tucker';
  /** Default: every dense layer and every two-dimensional convolution. The others stay dense. */
  readonly targets?: Targets;
  /**
   * `weights`: the model's own, truncated. `random`: orthonormal bases and equal singular values of the model's own
   * norm. A function: random bases and these singular values,
   * in matrix form only. Default `weights`.
   */
  readonly start?: 'weights' | 'random' | ((path: string, rank: number) => ArrayLike<number>);
  /** Rank at the start. Default: what the tolerance leaves of the weights; a quarter of the full one for random starts. */
  readonly initialRank?: PerLayer;
  /**
   * Of the factors and of everything else. Default adam, 0.001. Its moments go along with the bases; see the README.
   */
  readonly optimizer?: OptimizerSpec | OptimizerSpec['name'];
  /** Learning rate for step `step` of `total`; overrides the optimizer's own. */
  readonly learningRate?: (step: number, total: number) => number;
  /** Default `crossEntropy`. */
  readonly loss?: Loss;
  /** Default 128. */
  readonly batchSize?: number;
  /** Seeds random starts, the order of the examples and dropout. Default 0. */
  readonly seed?: Seed;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Stops the run after a last checkpoint. */
  readonly signal?: AbortSignal;
  /** Where the run is kept while it lasts; a run that finds its checkpoint there goes on from it, to the bit. */
  readonly checkpoint?: SnapshotStore;
  /** Steps between checkpoints. Default: ends of epochs. */
  readonly snapshotEvery?: number;
  /** Called and awaited after each epoch. */
  readonly onEpoch?: (record: DlrtRecord) => void | Promise<void>;
}

/** One epoch. */
export interface DlrtRecord {
  /** Number of the epoch, from 1. */
  readonly epoch: number;
  /** Mean loss of its steps. */
  readonly loss: number;
  /** Optimizer steps of the epoch. */
  readonly steps: number;
  /** Rank of every low-rank layer at its end, by path; in Tucker's form two, `path/in` and `path/out`. */
  readonly ranks: Readonly<Record<string, number>>;
  /** Kernel values of the network at its end, both factors counted. */
  readonly kernels: number;
  /** Largest τ = ‖(σ_{r+1}, …)‖₂ that one of its steps dropped from one layer. */
  readonly discarded: number;
}

/** What {@link dlrt} returns. */
export interface DlrtResult {
  /** An ordinary model: each low-rank layer as two thin ones, in Tucker's form as three. The caller disposes of it. */
  readonly model: LayersModel;
  /** The ranks before the first step, and every epoch. */
  readonly initialRanks: Readonly<Record<string, number>>;
  /** One record for each epoch. */
  readonly history: readonly DlrtRecord[];
  /** What the low ranks save. */
  readonly report: DlrtReport;
}
