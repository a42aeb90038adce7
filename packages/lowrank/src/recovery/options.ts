import { ArgumentError, type Progress } from '@ockham/core';
import type { Communicator } from '@ockham/core/comm';
import type { Seed } from '@ockham/core/random';
import { methods, type RecoveryMethod } from './methods/registry.ts';

/** Options of {@link recover}. */
export interface RecoverOptions {
  /** Default `scaled`. */
  readonly method?: RecoveryMethod;
  /** r in [1, min(d, m)], or `auto`: as {@link estimateRank} finds it. Default `auto`. */
  readonly rank?: number | 'auto';
  /**
   * Converged is who comes this near to the global minimum: ‖X(W − Ŵ)‖ ≤ tolerance · ‖Y‖. Above 0. Default 1e-10. The components of
   * `sequential` and `parallel` end by how far they still move, `subgradient` by its step.
   */
  readonly tolerance?: number;
  /** Most rounds, from 1. Default 20,000. */
  readonly rounds?: number;
  /** Rounds from one line of the history to the next, from 1; convergence is looked at there. Default 10. */
  readonly recordEvery?: number;
  /** Of `factorised` and `scaled`: the leading components of a gradient step from zero, or small random factors. Default `spectral`. */
  readonly start?: 'spectral' | 'random';
  /** Of `subgradient`: each step is this times the one before, in (0, 1). Default 0.97. */
  readonly decay?: number;
  /** Of random starts. Default 0. */
  readonly seed?: Seed;
  /** Of `parallel`: shares the components out to ranks. Every rank calls `recover` alike. Default `self`. */
  readonly transport?: 'self' | Communicator;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** @throws ArgumentError for an option outside its range. */
export function checkOptions(options: RecoverOptions): void {
  const {
    method = 'scaled',
    tolerance = 1e-10,
    start = 'spectral',
    decay = 0.97,
    transport = 'self',
  } = options;
  if (!(method in methods)) {
    throw new ArgumentError(
      `recover: method must be one of ${Object.keys(methods).join(', ')}, got ${method}.`,
    );
  }
  for (const [name, value] of Object.entries({
    rounds: options.rounds ?? 1,
    recordEvery: options.recordEvery ?? 1,
  })) {
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new ArgumentError(`recover: ${name} must be a whole number from 1, got ${value}.`);
  }
  if (!(tolerance > 0 && tolerance < 1))
    throw new ArgumentError(`recover: tolerance must be in (0, 1), got ${tolerance}.`);
  if (start !== 'spectral' && start !== 'random')
    throw new ArgumentError(`recover: start must be spectral or random, got ${String(start)}.`);
  if (!(decay > 0 && decay < 1)) throw new ArgumentError(`recover: decay must be in (0, 1), got ${decay}.`);
  if (transport !== 'self' && transport.size > 1 && method !== 'parallel') {
    throw new ArgumentError(
      `recover: only method parallel runs on several ranks, got ${method} on ${transport.size}. Leave transport at self.`,
    );
  }
}
