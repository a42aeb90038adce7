/**
 * Frank-Wolfe over a set given by its linear minimization oracle.
 * The paper's Algorithm 1; approximate oracle: Jaggi 2013, Algorithm 2. The directions are in `frank-wolfe-direction.ts`.
 *
 * Deviations: the minimizer is over the feasible set (the paper prints it over the iterate).
 */
import type { Progress } from '@ockham/core';
import { ArgumentError, NonFiniteError, throwIfAborted } from '@ockham/core';
import type { Atom } from './active-set.ts';
import type { FrankWolfeVariant, MoveKind } from './frank-wolfe-direction.ts';
import { createDirection } from './frank-wolfe-direction.ts';
import type { FeasibleSet } from './lmo/feasible-set.ts';
import type { Problem } from './problem.ts';
import type { StepRule } from './step-size.ts';
import { createStepSize } from './step-size.ts';

/** One iterate x_t and the step taken from it. */
export interface FrankWolfeRecord {
  /** t, from 0. */
  readonly iteration: number;
  /** f(x_t). */
  readonly value: number;
  /**
   * An upper bound of f(x_t) - min f for convex f: the Frank-Wolfe gap max_{v ∈ C} ⟨∇f(x_t), x_t - v⟩, plus what an
   * inexact oracle may have missed; for `momentum` the distance to the best lower bound so far.
   */
  readonly gap: number;
  /** γ_t, 0 where no step was taken. */
  readonly step: number;
  /** What kind of step it was. */
  readonly move: MoveKind | 'none';
}

/** `gap`: the tolerance was reached. `stalled`: no step lowers f further in float64. `callback`: `onIteration` said so. */
export type StopReason = 'gap' | 'iterations' | 'callback' | 'stalled';

/** Options of {@link frankWolfe}. */
export interface FrankWolfeOptions {
  /** Default `vanilla`. */
  readonly variant?: FrankWolfeVariant;
  /** Default `open-loop`; choose `line-search`, `short-step` or `adaptive` for the linear rate of away and pairwise. */
  readonly step?: StepRule;
  /** x_0, a point of the set. Default: the oracle's vertex for a zero gradient. */
  readonly start?: Float64Array;
  /** Steps at most. Default 1000. */
  readonly maxIterations?: number;
  /** Stop once the gap is at most this. Default 0. */
  readonly gapTolerance?: number;
  /**
   * Allows the oracle an additive error of ½·delta·γ_t·curvature with γ_t = 2/(t+2), where curvature is C_f or an upper
   * bound, such as L·diameter². Default: exact.
   */
  readonly inexactness?: { readonly delta: number; readonly curvature: number };
  /** Called with every record and x_t (read it, do not keep it) before the next step; `false` stops. */
  readonly onIteration?: (record: FrankWolfeRecord, x: Float64Array) => boolean | void;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** What {@link frankWolfe} returns. */
export interface FrankWolfeResult {
  /** The last iterate. */
  readonly x: Float64Array;
  /** f(x). */
  readonly value: number;
  /** See {@link FrankWolfeRecord.gap}. */
  readonly gap: number;
  /** The iterate with the smallest value. */
  readonly best: { readonly x: Float64Array; readonly value: number; readonly iteration: number };
  /** One record per iterate, the last one included. */
  readonly history: readonly FrankWolfeRecord[];
  /** x as a convex combination of vertices; only for `away-step` and `pairwise`. */
  readonly activeSet?: readonly Atom[];
  /** Why it ended. */
  readonly stopReason: StopReason;
}

/**
 * Minimizes a smooth function over a compact convex set without projections.
 *
 * For convex f, with open-loop or line-search steps, f(x_t) - f* ≤ 2·C_f·(1 + delta)/(t + 2) for every t ≥ 1 (Jaggi 2013,
 * Theorem 1), for `momentum` with delta = 0; where f is strongly convex and the set a polytope, `away-step` and `pairwise`
 * converge linearly with every step rule but `open-loop`.
 *
 * @example
 * const problem = leastSquares(A, b, 20);
 * const { x, gap } = frankWolfe(problem, l1Ball(20, { radius: 3 }), { step: 'line-search', gapTolerance: 1e-6 });
 *
 * @throws ArgumentError for options out of range or a start outside the set, NonFiniteError when f or ∇f is not
 *   finite, AbortedError when the signal fires.
 */
export function frankWolfe(
  problem: Problem,
  set: FeasibleSet,
  options: FrankWolfeOptions = {},
): FrankWolfeResult {
  const {
    variant = 'vanilla',
    step = 'open-loop',
    maxIterations = 1000,
    gapTolerance = 0,
    inexactness,
  } = options;
  const n = problem.dimension;
  checkOptions(problem, set, options);
  const stepSize = createStepSize(step, problem);
  const x = options.start?.slice() ?? set.minimize(new Float64Array(n));
  const direction = createDirection(variant, set, x);
  const gradient = new Float64Array(n);
  const history: FrankWolfeRecord[] = [];
  let best = { x: x.slice(), value: Infinity, iteration: 0 };
  let stopReason: StopReason | undefined;

  for (let t = 0; stopReason === undefined; t++) {
    throwIfAborted(options.signal, 'frankWolfe');
    const value = problem.value(x);
    problem.gradient(x, gradient);
    checkFinite(t, value, gradient);
    if (value < best.value) best = { x: x.slice(), value, iteration: t };

    const allowed = inexactness ? (0.5 * inexactness.delta * inexactness.curvature * 2) / (t + 2) : 0;
    const move = direction.next(t, x, value, gradient, allowed);
    let gamma = 0;
    if (move.gap <= gapTolerance) stopReason = 'gap';
    else if (t === maxIterations) stopReason = 'iterations';
    else {
      const { direction: d, descent, maxStep } = move;
      gamma = stepSize({ iteration: t, x, value, direction: d, descent, maxStep });
      // A zero step of an averaged gradient passes, and so does the error that an oracle was allowed, which shrinks
      // with t; of any other it would repeat for ever.
      const passes = variant === 'momentum' || (allowed > 0 && descent <= 0);
      if (gamma === 0 && !passes) stopReason = 'stalled';
    }
    const kind = stopReason ? 'none' : gamma === move.maxStep && move.dropsAtMax ? 'drop' : move.kind;
    const record: FrankWolfeRecord = { iteration: t, value, gap: move.gap, step: gamma, move: kind };
    history.push(record);
    options.progress?.({
      stage: 'frank-wolfe',
      done: t,
      total: maxIterations,
      metrics: { value, gap: move.gap },
    });
    if (options.onIteration?.(record, x) === false) stopReason ??= 'callback';
    if (!stopReason) move.commit(gamma);
  }

  const last = history.at(-1)!;
  if (stopReason === 'callback') history[history.length - 1] = { ...last, step: 0, move: 'none' };
  const activeSet = direction.atoms?.();
  return {
    x,
    value: last.value,
    gap: last.gap,
    best,
    history,
    stopReason,
    ...(activeSet ? { activeSet } : {}),
  };
}

function checkOptions(problem: Problem, set: FeasibleSet, options: FrankWolfeOptions): void {
  const { start, maxIterations = 1000, gapTolerance = 0, inexactness } = options;
  if (set.dimension !== problem.dimension) {
    throw new ArgumentError(
      `frankWolfe: the set and the problem must have the same dimension, got ${set.dimension} and ${problem.dimension}.`,
    );
  }
  if (!Number.isInteger(maxIterations) || maxIterations < 0) {
    throw new ArgumentError(`frankWolfe: maxIterations must be an integer ≥ 0, got ${maxIterations}.`);
  }
  if (!(gapTolerance >= 0))
    throw new ArgumentError(`frankWolfe: gapTolerance must be ≥ 0, got ${gapTolerance}.`);
  if (
    inexactness &&
    !(
      inexactness.delta >= 0 &&
      inexactness.curvature >= 0 &&
      Number.isFinite(inexactness.delta * inexactness.curvature)
    )
  ) {
    throw new ArgumentError(
      `frankWolfe: inexactness needs delta ≥ 0 and curvature ≥ 0, got ${inexactness.delta} and ${inexactness.curvature}.`,
    );
  }
  if (start && !set.contains(start, 1e-6)) {
    throw new ArgumentError(
      `frankWolfe: start must lie in the ${set.name}. Leave it out to start at a vertex, or scale it into the set.`,
    );
  }
}

function checkFinite(t: number, value: number, gradient: Float64Array): void {
  if (Number.isFinite(value) && gradient.every(Number.isFinite)) return;
  throw new NonFiniteError(
    `frankWolfe: f and its gradient must be finite on the whole set, got f = ${value} at iteration ${t}. Check the problem, or shrink the set.`,
  );
}
