/**
 * Rotosolve (Ostaszewski, Grant and Benedetti 2021): along one angle of a rotation the value is a + b sin(θ + c), so three
 * values give the exact minimum. Angles that occur more than once, or in a controlled rotation, break that.
 */
import type { Optimizer } from './optimizer.ts';

/** Options of {@link rotosolve}. */
export interface RotosolveOptions {
  /** Stop where a sweep over all angles lowers the value by less. Default 1e-12. */
  readonly tolerance?: number;
}

/** Exact minimisation over one angle after another; an iteration is a sweep. */
export function rotosolve(options: RotosolveOptions = {}): Optimizer {
  const { tolerance = 1e-12 } = options;
  return function* (objective, start) {
    const x = start.slice();
    let value = objective.value(x);
    for (;;) {
      const before = value;
      for (let i = 0; i < x.length; i++) {
        const theta = x[i]!;
        x[i] = theta + Math.PI / 2;
        const above = objective.value(x);
        x[i] = theta - Math.PI / 2;
        const below = objective.value(x);
        // value(θ + t) = mean + cosine cos t + sine sin t
        const mean = (above + below) / 2;
        const [cosine, sine] = [value - mean, (above - below) / 2];
        x[i] = theta + Math.atan2(-sine, -cosine);
        value = mean - Math.hypot(cosine, sine);
      }
      yield { x, value };
      if (before - value < tolerance) return 'converged';
    }
  };
}
