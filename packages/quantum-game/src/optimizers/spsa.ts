/** Simultaneous perturbation stochastic approximation (Spall 1998): two values a step, whatever the number of angles. */
import { toRandom, type Seed } from '@ockham/core/random';
import type { Optimizer } from './optimizer.ts';

/** Options of {@link spsa}. */
export interface SpsaOptions {
  /** Of the random directions. */
  readonly seed: Seed;
  /** Step at the start, in radians per unit of slope. Default 0.2. */
  readonly learningRate?: number;
  /** Perturbation at the start, in radians. Default 0.1. */
  readonly perturbation?: number;
  /** Steps before the rates begin to fall in earnest: A of Spall. Default 10. */
  readonly stability?: number;
}

/** SPSA with the exponents 0.602 and 0.101. It does not stop by itself: set `maxCalls`. */
export function spsa(options: SpsaOptions): Optimizer {
  const { learningRate = 0.2, perturbation = 0.1, stability = 10 } = options;
  return function* (objective, start) {
    const random = toRandom(options.seed).stream('spsa');
    const x = start.slice();
    for (let step = 1; ; step++) {
      const a = (learningRate * (stability + 1) ** 0.602) / (step + stability) ** 0.602;
      const c = perturbation / step ** 0.101;
      const signs = x.map(() => (random.uniform() < 0.5 ? -1 : 1));
      const above = objective.value(x.map((value, i) => value + c * signs[i]!));
      const below = objective.value(x.map((value, i) => value - c * signs[i]!));
      const slope = (above - below) / (2 * c);
      for (let i = 0; i < x.length; i++) x[i]! -= a * slope * signs[i]!;
      yield { x, value: (above + below) / 2 };
    }
  };
}
