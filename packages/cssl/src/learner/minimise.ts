import { ArgumentError, NonFiniteError } from '@ockham/core';
import { nextAdaptiveStep, startAdaptiveStep, type AdaptiveState } from './adaptive-step.ts';
import { armijoSearch } from './armijo-step.ts';
import { polyakStep } from './polyak-step.ts';
import { resolveStep, type Step } from './step-rule.ts';

/** Returns f(x) and writes ∇f(x) to `gradient`; leaves `x` as it is. */
export type SmoothFunction = (x: Float64Array, gradient: Float64Array) => number;

/** One iteration: what was known before the step, and the step. */
export interface MinimiseRecord {
  /** From 0. */
  readonly iteration: number;
  /** The point; a view that the next iteration overwrites. */
  readonly x: Float64Array;
  /** f(x). */
  readonly value: number;
  /** ‖∇f(x)‖². */
  readonly squaredNorm: number;
  /** η of the step that follows. */
  readonly eta: number;
  /** Of the adaptive step. */
  readonly adaptive?: AdaptiveState;
}

/** Options of {@link minimise}. */
export interface MinimiseOptions {
  /** Default `adaptive`. */
  readonly step?: Step;
  /** Steps, ≥ 0. */
  readonly iterations: number;
  /** η of `step: 'fixed'`, > 0. */
  readonly learningRate?: number;
  /** f*, for the Polyak step. Default 0. */
  readonly least?: number;
  /** Before every step. */
  readonly onIteration?: (record: MinimiseRecord) => void;
}

/** Where {@link minimise} ended. */
export interface Minimum {
  /** The last point. */
  readonly x: Float64Array;
  /** f(x) there. */
  readonly value: number;
  /** Evaluations of the function. */
  readonly evaluations: number;
}

/**
 * Gradient descent W_{t+1} = W_t − η_t ∇f(W_t) on a plain function, with any of the learner's steps (Algorithm 2 by
 * default): what a step rule does, without a network around it.
 *
 * @throws ArgumentError for options out of range; NonFiniteError where the function is no longer a number.
 *
 * @example
 * const { x } = minimise((x, g) => { g[0] = 2 * x[0]; return x[0] ** 2; }, Float64Array.of(3), { iterations: 100 });
 */
export function minimise(f: SmoothFunction, start: Float64Array, options: MinimiseOptions): Minimum {
  const { iterations, learningRate, least = 0, onIteration } = options;
  const step = resolveStep('minimise', options.step ?? 'adaptive');
  if (!(Number.isInteger(iterations) && iterations >= 0))
    throw new ArgumentError(`minimise: iterations must be an integer ≥ 0, got ${iterations}.`);
  if (step.rule === 'fixed' && !(learningRate !== undefined && learningRate > 0)) {
    throw new ArgumentError(
      `minimise: the fixed step needs a learningRate > 0, got ${learningRate}. Or take step: 'adaptive'.`,
    );
  }
  const x = start.slice();
  const gradient = new Float64Array(x.length);
  const previous = new Float64Array(x.length);
  const previousGradient = new Float64Array(x.length);
  const trial = new Float64Array(x.length);
  const unused = new Float64Array(x.length);
  let evaluations = 0;
  const evaluate = (at: Float64Array, into: Float64Array) => {
    evaluations++;
    return f(at, into);
  };
  let value = evaluate(x, gradient);
  let adaptive = step.rule === 'adaptive' ? startAdaptiveStep(step.options) : undefined;
  let last: number | undefined;

  for (let iteration = 0; iteration < iterations; iteration++) {
    const squaredNorm = gradient.reduce((sum, g) => sum + g * g, 0);
    if (!Number.isFinite(value + squaredNorm)) {
      throw new NonFiniteError(
        `minimise: f or its gradient became ${value}, ‖∇f‖² = ${squaredNorm}, at iteration ${iteration}. Take a smaller step.`,
      );
    }
    let eta: number;
    switch (step.rule) {
      case 'fixed':
        eta = learningRate!;
        break;
      case 'adaptive':
        if (iteration > 0) {
          const [moved, turned] = [squaredDistance(x, previous), squaredDistance(gradient, previousGradient)];
          adaptive = nextAdaptiveStep(adaptive!, moved, turned, step.options);
        }
        eta = adaptive!.eta;
        break;
      case 'polyak':
        eta = polyakStep(value - least, squaredNorm, last, step.options);
        break;
      case 'line-search': {
        const search = armijoSearch(value, squaredNorm, last, step.options);
        let tried = search.next();
        while (!tried.done) {
          move(trial, x, gradient, tried.value);
          tried = search.next(evaluate(trial, unused));
        }
        eta = tried.value;
      }
    }
    onIteration?.({ iteration, x, value, squaredNorm, eta, ...(adaptive && { adaptive }) });
    previous.set(x);
    previousGradient.set(gradient);
    move(x, x, gradient, eta);
    last = eta;
    value = evaluate(x, gradient);
  }
  return { x, value, evaluations };
}

function move(to: Float64Array, from: Float64Array, gradient: Float64Array, eta: number): void {
  for (let i = 0; i < to.length; i++) to[i] = from[i]! - eta * gradient[i]!;
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
}
