/**
 * The stochastic Polyak step: (f − f*)/(c·‖∇f‖²), bounded, and never growing faster than a factor a step.
 *
 * Source: Loizou, Vaswani, Laradji and Lacoste-Julien, "Stochastic Polyak step-size for SGD", AISTATS 2021, SPS_max with the
 * smoothing of their section 3. f* is the least value that the batch allows: for cross-entropy on soft targets their entropy.
 */
import { ArgumentError } from '@ockham/core';

/** Options of the Polyak step. */
export interface PolyakStepOptions {
  /** c, > 0. Default 1/2, their c for convex functions. */
  readonly c?: number;
  /** The largest step, > 0. Default Infinity. */
  readonly ceiling?: number;
  /** How many times as large as the last a step may be, ≥ 1. Default Infinity. */
  readonly growth?: number;
}

/** @throws ArgumentError naming `who` for an option out of range. */
export function checkPolyakStep(who: string, options: PolyakStepOptions): Required<PolyakStepOptions> {
  const { c = 0.5, ceiling = Number.POSITIVE_INFINITY, growth = Number.POSITIVE_INFINITY } = options;
  if (!(c > 0 && Number.isFinite(c))) {
    throw new ArgumentError(`${who}: step.c must be a number > 0, got ${c}.`);
  }
  if (!(ceiling > 0)) throw new ArgumentError(`${who}: step.ceiling must be a number > 0, got ${ceiling}.`);
  if (!(growth >= 1)) throw new ArgumentError(`${who}: step.growth must be a number ≥ 1, got ${growth}.`);
  return { c, ceiling, growth };
}

/**
 * The step size; 0 where the gradient is 0 or the least value is reached.
 *
 * @param excess f − f*.
 * @param squaredNorm ‖∇f‖².
 * @param last The step before, or undefined at the first.
 */
export function polyakStep(
  excess: number,
  squaredNorm: number,
  last: number | undefined,
  { c, ceiling, growth }: Required<PolyakStepOptions>,
): number {
  if (!(excess > 0) || squaredNorm === 0) return 0;
  const allowed = last ? growth * last : Number.POSITIVE_INFINITY; // after a step of 0 there is nothing to grow from
  return Math.min(excess / (c * squaredNorm), ceiling, allowed);
}
