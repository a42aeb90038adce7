import type { FlatLayout } from '../zero/flat-layout.ts';

/** The part [begin, end) of the flat parameter vector that a rank updates, with the optimizer's state for it. */
export interface FlatSlice {
  /** `[end − begin]`; changed in place. */
  readonly parameters: Float32Array;
  /** For each of the optimizer's slots an array of `[end − begin]`; changed in place. */
  readonly state: Readonly<Record<string, Float32Array>>;
  /** Where the part begins, in elements. */
  readonly begin: number;
  /** Where the part ends, exclusive. */
  readonly end: number;
  /** What lies where in the whole vector. */
  readonly layout: FlatLayout;
}

/**
 * Adds partial sums, one or more for each entry of the layout, over the ranks that hold the other slices, in rank order; all ranks
 * get the same sums. On one rank it gives back what it gets.
 */
export type SumOverSlices = (partial: Float64Array) => Promise<Float64Array>;

/** What one update needs besides the slice and its gradient. */
export interface UpdateContext {
  /** Number of the update, from 1. */
  readonly step: number;
  /** Step size of this update. */
  readonly learningRate: number;
  /** Adds numbers up over the ranks that share the vector out. */
  readonly sumOverSlices: SumOverSlices;
}

/**
 * An optimizer on slices of the flat parameter vector. It computes in float64 and rounds once to float32 on store, element by
 * element, so that an update in slices gives the bits of the whole whatever the engine.
 */
export interface FlatOptimizer {
  /** For messages. */
  readonly name: string;
  /** Names of its state arrays, each of a slice's length, zeros at the start. Adam: `m`, `v`. */
  readonly slots: readonly string[];
  /** One update in place. `gradients` is `[end − begin]`, the mean over the global batch; it may be overwritten. */
  step(slice: FlatSlice, gradients: Float32Array, context: UpdateContext): void | Promise<void>;
}
