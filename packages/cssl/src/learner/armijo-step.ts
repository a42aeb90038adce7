/**
 * Backtracking line search: the first step of a falling series that lowers the objective by c·η·‖∇f‖² at least.
 *
 * Source: Armijo 1966; for stochastic gradients on one batch Vaswani et al., "Painless stochastic gradient: interpolation, line-search, and
 * convergence rates", NeurIPS 2019, whose c and β are the defaults.
 */
import { ArgumentError } from '@ockham/core';

/** Options of the line search. */
export interface ArmijoStepOptions {
  /** c, in (0, 1): how much of the decrease that the gradient promises is asked for. Default 0.1. */
  readonly c?: number;
  /** β, in (0, 1): what a step that is refused is multiplied by. Default 0.9. */
  readonly shrink?: number;
  /** The first search starts here, > 0; no step is larger. Default 1. */
  readonly ceiling?: number;
  /** Each later search starts at the last step times this, ≥ 1. Default 2. */
  readonly growth?: number;
  /** Steps that are tried at most, ≥ 1; the last is taken where none passes. Default 100. */
  readonly trials?: number;
}

/** @throws ArgumentError naming `who` for an option out of range. */
export function checkArmijoStep(who: string, options: ArmijoStepOptions): Required<ArmijoStepOptions> {
  const { c = 0.1, shrink = 0.9, ceiling = 1, growth = 2, trials = 100 } = options;
  for (const [name, value] of [
    ['c', c],
    ['shrink', shrink],
  ] as const) {
    if (!(value > 0 && value < 1))
      throw new ArgumentError(`${who}: step.${name} must be in (0, 1), got ${value}.`);
  }
  if (!(ceiling > 0 && Number.isFinite(ceiling)))
    throw new ArgumentError(`${who}: step.ceiling must be a number > 0, got ${ceiling}.`);
  if (!(growth >= 1 && Number.isFinite(growth)))
    throw new ArgumentError(`${who}: step.growth must be a number ≥ 1, got ${growth}.`);
  if (!(Number.isInteger(trials) && trials >= 1))
    throw new ArgumentError(`${who}: step.trials must be an integer ≥ 1, got ${trials}.`);
  return { c, shrink, ceiling, growth, trials };
}

/**
 * Yields the steps to try and is told the objective at each; returns the step to take.
 *
 * @param last The step before, or undefined at the first.
 */
export function* armijoSearch(
  value: number,
  squaredNorm: number,
  last: number | undefined,
  { c, shrink, ceiling, growth, trials }: Required<ArmijoStepOptions>,
): Generator<number, number, number> {
  let eta = last === undefined ? ceiling : Math.min(ceiling, growth * last);
  if (squaredNorm === 0) return eta;
  for (let trial = 1; trial < trials; trial++) {
    const reached = yield eta;
    if (reached <= value - c * eta * squaredNorm) return eta; // a NaN is refused, too
    eta *= shrink;
  }
  return eta;
}
