import type { Communicator } from '@ockham/core/comm';
import type { FlatSlice } from './flat-optimizer.ts';

/**
 * Whose a state array is, and so how it is saved and cut again for another number of ranks:
 * `replicated` has a value for each parameter and the same bits on all ranks; `local` has a value for each parameter and rank, of which
 * only the mean over the ranks matters; `chunk` holds the part of a vector that this rank reduces; `entry` has a
 * value for each entry of the layout and `scalar` one, both with the same bits on all ranks.
 */
export type SlotKind = 'replicated' | 'local' | 'chunk' | 'entry' | 'scalar';

/** What one update of a {@link CompressedOptimizer} needs besides the parameters and this rank's gradient. */
export interface CompressedContext {
  /** The ranks that train the same parameters on other data. */
  readonly comm: Communicator;
  /** Number of the update, from 1. */
  readonly step: number;
  /** Step size of this update. */
  readonly learningRate: number;
}

/**
 * An optimizer that communicates: it takes the place of both the all-reduce and the update. It needs the whole flat vector on every
 * rank (ZeRO stage 0). What it does depends on `step` and its state only, so that a run goes on from a saved state to the bit.
 */
export interface CompressedOptimizer {
  /** For messages. */
  readonly name: string;
  /** Its state arrays, zeros at the start. */
  readonly slots: Readonly<Record<string, SlotKind>>;
  /**
   * One update in place, collective. `slice` is the whole vector, [0, padded); `gradients`, `[padded]`, is the mean over the batch of
   * this rank and is overwritten.
   *
   * @throws NonFiniteError on every rank if the gradient of one is not finite; the state is then as before.
   */
  step(slice: FlatSlice, gradients: Float32Array, context: CompressedContext): Promise<void>;
  /** Whether the parameters have the same bits on all ranks after this step. Absent: always. */
  synchronised?(step: number): boolean;
  /** Brings the parameters of all ranks together, wherever the last step left them. Collective; before an evaluation or the end. */
  synchronise?(slice: FlatSlice, context: Omit<CompressedContext, 'learningRate'>): Promise<void>;
  /** Computes this rank's parameters from its state, after loading one that was saved between two synchronisations. */
  restore?(slice: FlatSlice, step: number): void;
}
