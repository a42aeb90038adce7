import { ArgumentError, NonFiniteError, throwIfAborted } from '@ockham/core';
import { finish, type Steps } from '../stepping.ts';

/** What an optimiser minimises. */
export interface Objective {
  /** Number of parameters. */
  readonly size: number;
  /** The value at `x`. */
  value(x: Float64Array): number;
  /** Writes the gradient into `into` and returns the value. */
  gradient(x: Float64Array, into: Float64Array): number;
}

/** Where an optimiser stands after an iteration. */
export interface Iterate {
  /** The best point; a view that the next iteration may overwrite. */
  readonly x: Float64Array;
  /** The value at {@link Iterate.x}. */
  readonly value: number;
}

/** Why an optimiser stopped. */
export type StopReason = 'converged' | 'stalled' | 'budget';

/**
 * A way to minimise: yields after each iteration, returns why it ended. Made by {@link slsqp}, {@link lbfgs} and so on,
 * and run by {@link minimize}, or step by step by hand.
 */
export type Optimizer = (
  objective: Objective,
  start: Float64Array,
) => Generator<Iterate, Exclude<StopReason, 'budget'>, void>;

/** Options of {@link minimize}. */
export interface MinimizeOptions {
  /** Calls of the objective, gradients among them, after which no iteration begins. Default 10,000. */
  readonly maxCalls?: number;
  /** Called after each iteration. */
  readonly callback?: (iterate: Iterate & { readonly iteration: number; readonly calls: number }) => void;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link minimize} returns. */
export interface Minimum {
  /** The best point. */
  readonly x: Float64Array;
  /** The value there. */
  readonly value: number;
  /** Iterations that were made. */
  readonly iterations: number;
  /** Evaluations of the value alone. */
  readonly valueCalls: number;
  /** Evaluations of the gradient, each with its value. */
  readonly gradientCalls: number;
  /** Different points at which value or gradient was asked for, one after another. */
  readonly points: number;
  /** Why it ended. */
  readonly reason: StopReason;
}

/**
 * Minimises `objective` from `start`.
 *
 * @throws ArgumentError for a start of another length or with NaN; NonFiniteError where a value is not finite;
 *   AbortedError when the signal fires, between iterations.
 */
export function minimize(
  objective: Objective,
  start: ArrayLike<number>,
  optimizer: Optimizer,
  options: MinimizeOptions = {},
): Minimum {
  return finish(minimizing(objective, start, optimizer, options));
}

/** {@link minimize}, with a pause after each iteration. */
export function* minimizing(
  objective: Objective,
  start: ArrayLike<number>,
  optimizer: Optimizer,
  options: MinimizeOptions = {},
): Steps<Minimum> {
  const { maxCalls = 10_000, callback, signal } = options;
  checkStart('minimize', objective, start);
  throwIfAborted(signal, 'minimize');
  const counted = 'valueCalls' in objective ? (objective as CountedObjective) : counting(objective);
  const steps = optimizer(counted, Float64Array.from(start));
  let iterations = 0;
  let reason: StopReason = 'budget';
  let best: { x: Float64Array; value: number } | undefined;
  for (;;) {
    const step = steps.next();
    if (step.done) {
      reason = step.value;
      break;
    }
    iterations++;
    const { x, value } = step.value;
    if (best === undefined || value <= best.value) best = { x: x.slice(), value };
    callback?.({ x, value, iteration: iterations, calls: counted.calls() });
    yield;
    throwIfAborted(signal, 'minimize');
    if (counted.calls() >= maxCalls) break;
  }
  best ??= { x: Float64Array.from(start), value: counted.value(Float64Array.from(start)) };
  return {
    ...best,
    iterations,
    valueCalls: counted.valueCalls,
    gradientCalls: counted.gradientCalls,
    points: counted.points,
    reason,
  };
}

/** An objective that counts its calls and refuses a value that is not finite. */
export interface CountedObjective extends Objective {
  readonly valueCalls: number;
  readonly gradientCalls: number;
  readonly points: number;
  calls(): number;
}

/** Counts what is asked of `objective`. */
export function counting(objective: Objective): CountedObjective {
  let [valueCalls, gradientCalls, points] = [0, 0, 0];
  const last = new Float64Array(objective.size).fill(NaN);
  const visit = (x: Float64Array): void => {
    if (x.every((value, i) => value === last[i])) return;
    last.set(x);
    points++;
  };
  const check = (value: number): number => {
    if (Number.isFinite(value)) return value;
    throw new NonFiniteError(
      `minimize: the objective must be finite, got ${value} after ${valueCalls + gradientCalls} calls. Check the Hamiltonian and the start.`,
    );
  };
  return {
    size: objective.size,
    value(x) {
      valueCalls++;
      visit(x);
      return check(objective.value(x));
    },
    gradient(x, into) {
      gradientCalls++;
      visit(x);
      return check(objective.gradient(x, into));
    },
    get valueCalls() {
      return valueCalls;
    },
    get gradientCalls() {
      return gradientCalls;
    },
    get points() {
      return points;
    },
    calls: () => valueCalls + gradientCalls,
  };
}

function checkStart(who: string, objective: Objective, start: ArrayLike<number>): void {
  if (start.length !== objective.size) {
    throw new ArgumentError(
      `${who}: the start must have ${objective.size} parameters, as the objective, got ${start.length}.`,
    );
  }
  for (let i = 0; i < start.length; i++) {
    if (!Number.isFinite(start[i]))
      throw new ArgumentError(`${who}: every parameter must be finite, got ${start[i]} at ${i}.`);
  }
}
