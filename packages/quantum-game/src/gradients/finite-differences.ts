import { counting, type CountedObjective } from '../optimizers/optimizer.ts';

/** Options of {@link finiteDifferences}. */
export interface FiniteDifferenceOptions {
  /** `forward` costs a call for each parameter, `central` two. Default `forward`, as SciPy. */
  readonly scheme?: 'forward' | 'central';
  /** Step, in radians. Default √ε = 1.49e-8 forward, as SciPy; ε^(1/3) = 6.06e-6 central. */
  readonly step?: number;
}

/** The gradient of `value` at `x`, into `into`; `at` is `value(x)`, which forward differences need. */
export function finiteDifferences(
  value: (x: Float64Array) => number,
  x: Float64Array,
  at: number,
  into: Float64Array,
  options: FiniteDifferenceOptions = {},
): void {
  const { scheme = 'forward' } = options;
  const step = options.step ?? (scheme === 'forward' ? Math.sqrt(Number.EPSILON) : Math.cbrt(Number.EPSILON));
  const moved = x.slice();
  for (let i = 0; i < x.length; i++) {
    moved[i] = x[i]! + step;
    const above = value(moved);
    if (scheme === 'forward') {
      into[i] = (above - at) / (moved[i]! - x[i]!);
    } else {
      const high = moved[i]!;
      moved[i] = x[i]! - step;
      into[i] = (above - value(moved)) / (high - moved[i]!);
    }
    moved[i] = x[i]!;
  }
}

/**
 * An objective whose gradient is taken by forward differences; a value known from the call before is not asked again.
 * Its calls are all value calls, as the paper counts them.
 *
 * @param onCall Called after each evaluation with its value.
 */
export function differencedObjective(
  size: number,
  value: (x: Float64Array) => number,
  onCall?: (value: number) => void,
): CountedObjective {
  const counted = counting({ size, value, gradient: value });
  const last = new Float64Array(size).fill(NaN);
  let known = NaN;
  let points = 0;
  const call = (x: Float64Array): number => {
    const result = counted.value(x);
    onCall?.(result);
    return result;
  };
  const visit = (x: Float64Array): number => {
    if (!x.every((v, i) => v === last[i])) {
      points++;
      known = call(x);
      last.set(x);
    }
    return known;
  };
  return {
    size,
    value: visit,
    gradient(x, into) {
      const at = visit(x);
      finiteDifferences(call, x, at, into);
      return at;
    },
    get valueCalls() {
      return counted.valueCalls;
    },
    gradientCalls: 0,
    get points() {
      return points;
    },
    calls: () => counted.valueCalls,
  };
}
