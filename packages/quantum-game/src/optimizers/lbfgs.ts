/**
 * L-BFGS (Nocedal 1980) with a line search for the strong Wolfe conditions (Nocedal and Wright 2006, algorithms 3.5,
 * 3.6 and 7.5). Every call gives value and gradient together.
 */
import type { Optimizer } from './optimizer.ts';
import { addTo, dot, norm } from './vector.ts';

/** Options of {@link lbfgs}. */
export interface LbfgsOptions {
  /** Stop where the gradient's largest element is below. Default 1e-8. */
  readonly gradientTolerance?: number;
  /** Stop where an iteration lowers the value by less, relative to max(1, |value|). Default 1e-15. */
  readonly tolerance?: number;
  /** Pairs kept. Default 10. */
  readonly memory?: number;
  /** Length of the first step. Default 1: the gradient itself, cut to this length where it is longer. */
  readonly firstStep?: number;
  /** Ask for the gradient again before each iteration, for an objective that changes meanwhile. Default false. */
  readonly refresh?: boolean;
}

/** Limited-memory BFGS. */
export function lbfgs(options: LbfgsOptions = {}): Optimizer {
  const {
    gradientTolerance = 1e-8,
    tolerance = 1e-15,
    memory = 10,
    firstStep = 1,
    refresh = false,
  } = options;
  return function* (objective, start) {
    const n = start.length;
    const x = start.slice();
    const gradient = new Float64Array(n);
    const direction = new Float64Array(n);
    const pairs: { s: Float64Array; y: Float64Array; rho: number }[] = [];
    let value = objective.gradient(x, gradient);
    for (;;) {
      if (gradient.every((g) => Math.abs(g) < gradientTolerance)) {
        yield { x, value };
        return 'converged';
      }
      applyInverse(direction, gradient, pairs);
      let slope = dot(direction, gradient);
      if (!(slope < 0)) {
        pairs.length = 0;
        applyInverse(direction, gradient, pairs);
        slope = dot(direction, gradient);
      }
      const step = pairs.length === 0 ? Math.min(1, firstStep / norm(gradient)) : 1;
      const found = searchLine(objective, x, value, slope, direction, step);
      if (found === undefined) {
        if (pairs.length === 0) return 'stalled';
        pairs.length = 0;
        continue;
      }
      const s = new Float64Array(n);
      const y = new Float64Array(n);
      addTo(s, found.x, -1, x);
      addTo(y, found.gradient, -1, gradient);
      const sy = dot(s, y);
      if (sy > 1e-300) {
        pairs.push({ s, y, rho: 1 / sy });
        if (pairs.length > memory) pairs.shift();
      }
      const gain = value - found.value;
      x.set(found.x);
      gradient.set(found.gradient);
      value = found.value;
      yield { x, value };
      if (refresh) value = objective.gradient(x, gradient);
      else if (gain <= tolerance * Math.max(1, Math.abs(value))) return 'converged';
    }
  };
}

/** direction = −H gradient by the two loops. */
function applyInverse(
  direction: Float64Array,
  gradient: Float64Array,
  pairs: readonly { readonly s: Float64Array; readonly y: Float64Array; readonly rho: number }[],
): void {
  for (let i = 0; i < direction.length; i++) direction[i] = -gradient[i]!;
  const alphas: number[] = [];
  for (const { s, y, rho } of pairs.toReversed()) {
    const alpha = rho * dot(s, direction);
    alphas.push(alpha);
    addTo(direction, direction, -alpha, y);
  }
  const last = pairs.at(-1);
  if (last) {
    const scale = 1 / (last.rho * dot(last.y, last.y));
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  }
  for (const { s, y, rho } of pairs) {
    addTo(direction, direction, alphas.pop()! - rho * dot(y, direction), s);
  }
}

interface Trial {
  readonly step: number;
  readonly x: Float64Array;
  readonly gradient: Float64Array;
  readonly value: number;
  readonly slope: number;
}

/** A step that meets the strong Wolfe conditions (1e-4, 0.9), or undefined where rounding hides any descent. */
function searchLine(
  objective: Parameters<Optimizer>[0],
  x: Float64Array,
  value: number,
  slope: number,
  direction: Float64Array,
  first: number,
): Trial | undefined {
  const attempt = (step: number): Trial => {
    const at = new Float64Array(x.length);
    addTo(at, x, step, direction);
    const gradient = new Float64Array(x.length);
    const f = objective.gradient(at, gradient);
    return { step, x: at, gradient, value: f, slope: dot(gradient, direction) };
  };
  const rounding = 1e-15 * Math.max(1, Math.abs(value)); // near the minimum values no longer tell, slopes do
  const high = (trial: Trial): boolean => trial.value > value + 1e-4 * trial.step * slope + rounding;
  const flat = (trial: Trial): boolean => Math.abs(trial.slope) <= -0.9 * slope;
  let low: Trial = { step: 0, x, gradient: direction, value, slope };
  let end: Trial | undefined;
  let trial = attempt(first);
  for (let i = 0; i < 20; i++) {
    if (high(trial) || (i > 0 && end === undefined && trial.value >= low.value)) end = trial;
    else if (flat(trial)) return trial;
    else if (end !== undefined && trial.slope * (end.step - low.step) >= 0) [low, end] = [trial, low];
    else if (end === undefined && trial.slope >= 0) [low, end] = [trial, low];
    else low = trial;
    trial = attempt(end === undefined ? 2 * trial.step : between(low, end));
    if (end !== undefined && Math.abs(end.step - low.step) * norm(direction) < 1e-15) break;
  }
  return low.step > 0 && low.value <= value ? low : trial.value < value ? trial : undefined;
}

/** The minimum of the cubic through both ends, kept away from them. */
function between(a: Trial, b: Trial): number {
  const d = a.slope + b.slope - (3 * (a.value - b.value)) / (a.step - b.step);
  const root = Math.sqrt(Math.max(0, d * d - a.slope * b.slope)) * Math.sign(b.step - a.step);
  const step = b.step - ((b.step - a.step) * (b.slope + root - d)) / (b.slope - a.slope + 2 * root);
  const [least, most] = [Math.min(a.step, b.step), Math.max(a.step, b.step)];
  const margin = 0.1 * (most - least);
  return step >= least + margin && step <= most - margin ? step : (least + most) / 2;
}
