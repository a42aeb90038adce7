import type { Split } from '@ockham/core';
import type { Seed } from '@ockham/core/random';
import type { OptimizerSpec } from '@ockham/core/training';

/** What every baseline accepts. */
export interface BaselineOptions {
  /** Draws what is stored, evicted and replayed. Default 0. */
  readonly seed?: Seed;
  /**
   * Examples that the model was trained with beforehand ("base initialisation"): they are remembered as if observed, without
   * an update. Default none.
   */
  readonly base?: Split;
}

/** What baselines that take gradient steps accept. */
export interface GradientOptions extends BaselineOptions {
  /** Default SGD with learning rate 0.1. */
  readonly optimizer?: OptimizerSpec;
  /** Examples replayed with the new ones in each step, ≥ 0. Default 31, the paper's. */
  readonly replay?: number;
  /** Steps for each call of `observe`, ≥ 1. Default 1. */
  readonly steps?: number;
}

/** How much a baseline may keep: one of the two. */
export interface MemoryOptions {
  /** Examples kept. */
  readonly capacity?: number;
  /** Bytes kept, labels and indexes counted. */
  readonly bytes?: number;
}
