import type { Slots } from '../layers/index.ts';

/** A table W that a count-sketch is to come near: min over S of Σ_x w_x ‖est(S)_x − W_x‖². */
export interface SketchProblem {
  /** W, `[V, D]`. */
  readonly table: Float32Array;
  readonly dimension: number;
  /** w, `[V]`. */
  readonly weights: Float64Array;
  /** The tokens that count; heavy hitters have their own rows and are left out. */
  readonly tokens: Int32Array;
  readonly slots: Slots;
  /** Hash functions d. */
  readonly hashes: number;
  /** Rows of S in total. */
  readonly height: number;
  /** Stops after so many rounds. */
  readonly iterations: number;
  /** Stops when a round gains less than this part of the error. */
  readonly tolerance: number;
  /** Called after each round. */
  readonly round: (done: number, error: number) => void;
}
