/**
 * Step sizes of Frank-Wolfe: γ_t = 2/(t + 2) (the paper's Algorithm 1), line search, the short step
 * ⟨-∇f, d⟩/(L‖d‖²) (Demyanov and Rubinov 1970), and its form with an estimated L (Pedregosa, Negiar, Askari and
 * Jaggi 2020, "Linearly convergent Frank-Wolfe with backtracking line-search", Algorithm 2).
 *
 * Deviations: backtracking allows for rounding in f, without which it loops near the optimum.
 */
import { ArgumentError, NonFiniteError } from '@ockham/core';
import type { Problem } from './problem.ts';

/**
 * `open-loop`: 2/(t+2). `line-search`: exact where the problem has a closed form, else bisection on the directional
 * derivative (exact for convex f). `short-step`: needs the problem's `smoothness`. `adaptive`: estimates it.
 */
export type StepRule = 'open-loop' | 'line-search' | 'short-step' | 'adaptive';

/** What a step rule sees at iteration t. */
export interface StepRequest {
  readonly iteration: number;
  readonly x: Float64Array;
  /** f(x). */
  readonly value: number;
  /** d: the iterate moves to x + γd. */
  readonly direction: Float64Array;
  /** ⟨-∇f(x), d⟩. */
  readonly descent: number;
  /** γ may not exceed this. */
  readonly maxStep: number;
}

/** The step size for a request, in [0, maxStep]. Keeps what it learns from one call to the next. */
export type StepSize = (request: StepRequest) => number;

/** @throws ArgumentError for an unknown rule, or `short-step` without a positive `smoothness`. */
export function createStepSize(rule: StepRule, problem: Problem): StepSize {
  switch (rule) {
    case 'open-loop':
      return ({ iteration, maxStep }) => Math.min(2 / (iteration + 2), maxStep);
    case 'line-search':
      return problem.lineSearch ? exactLineSearch(problem) : bisection(problem);
    case 'short-step': {
      const L = problem.smoothness;
      if (L === undefined || !(L > 0 && Number.isFinite(L))) {
        throw new ArgumentError(
          `frankWolfe: step 'short-step' needs the problem's smoothness, a finite L > 0, got ${L}. Use 'adaptive' where it is unknown.`,
        );
      }
      return (request) => shortStep(request, L);
    }
    case 'adaptive':
      return adaptive(problem);
    default:
      throw new ArgumentError(
        `frankWolfe: step must be 'open-loop', 'line-search', 'short-step' or 'adaptive', got '${String(rule)}'.`,
      );
  }
}

function exactLineSearch(problem: Problem): StepSize {
  return ({ x, direction, maxStep }) => {
    const step = problem.lineSearch!(x, direction, maxStep);
    if (!(step >= 0 && step <= maxStep)) {
      throw new NonFiniteError(
        `frankWolfe: the problem's lineSearch must answer in [0, ${maxStep}], got ${step}.`,
      );
    }
    return step;
  };
}

function bisection(problem: Problem): StepSize {
  const gradient = new Float64Array(problem.dimension);
  return ({ x, direction, descent, maxStep }) => {
    if (descent <= 0) return 0;
    const slopeAt = (step: number): number => {
      problem.gradient(moved(x, direction, step), gradient);
      return dot(gradient, direction);
    };
    if (slopeAt(maxStep) <= 0) return maxStep;
    let low = 0;
    let high = maxStep;
    // 52 halvings reach float64 resolution relative to maxStep; small steps stop once resolved relative to themselves.
    for (let i = 0; i < 100 && high - low > 1e-12 * high; i++) {
      const middle = (low + high) / 2;
      if (slopeAt(middle) > 0) high = middle;
      else low = middle;
    }
    return low > 0 ? low : high;
  };
}

function shortStep({ direction, descent, maxStep }: StepRequest, L: number): number {
  if (descent <= 0) return 0;
  return Math.min(maxStep, descent / (L * dot(direction, direction)));
}

const SHRINK = 0.9; // the estimate of L is lowered by this before each search, so that it can follow the curvature
const GROW = 2;

function adaptive(problem: Problem): StepSize {
  let L: number | undefined;
  return (request) => {
    const { x, value, direction, descent, maxStep } = request;
    if (descent <= 0) return 0;
    const squaredLength = dot(direction, direction);
    L = L === undefined ? firstEstimate(problem, request) : L * SHRINK;
    const rounding = 1e-14 * Math.max(Math.abs(value), Number.MIN_VALUE);
    for (let tries = 0; tries < 200; tries++, L *= GROW) {
      const step = shortStep(request, L);
      const model = value - step * descent + (L / 2) * step * step * squaredLength;
      if (problem.value(moved(x, direction, step)) <= model + rounding) return step;
    }
    throw new NonFiniteError(
      `frankWolfe: no step along a descent direction lowers f (maxStep ${maxStep}). Check that the gradient belongs to the value.`,
    );
  };
}

/** The curvature seen by a small step along d. */
function firstEstimate(problem: Problem, { x, direction, maxStep, descent }: StepRequest): number {
  const epsilon = Math.min(1e-3, maxStep);
  const gradient = new Float64Array(problem.dimension);
  problem.gradient(moved(x, direction, epsilon), gradient);
  const curvature = (dot(gradient, direction) + descent) / (epsilon * dot(direction, direction));
  const scale = descent / dot(direction, direction); // the L whose short step is 1
  return Math.max(curvature, 1e-6 * scale);
}

function moved(x: Float64Array, direction: Float64Array, step: number): Float64Array {
  return x.map((value, i) => value + step * direction[i]!);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
