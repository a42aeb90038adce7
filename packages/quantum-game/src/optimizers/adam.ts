/** Adam (Kingma and Ba 2015, algorithm 1). */
import type { Optimizer } from './optimizer.ts';

/** Options of {@link adam}. */
export interface AdamOptions {
  /** Default 0.1: angles are of order 1. */
  readonly learningRate?: number;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Stop where the gradient's largest element is below. Default 1e-6. */
  readonly gradientTolerance?: number;
}

/** Adam. It does not stop by itself before the gradient vanishes: set `maxCalls`. */
export function adam(options: AdamOptions = {}): Optimizer {
  const { learningRate = 0.1, beta1 = 0.9, beta2 = 0.999, gradientTolerance = 1e-6 } = options;
  return function* (objective, start) {
    const x = start.slice();
    const gradient = new Float64Array(x.length);
    const mean = new Float64Array(x.length);
    const square = new Float64Array(x.length);
    for (let step = 1; ; step++) {
      const value = objective.gradient(x, gradient);
      yield { x, value };
      if (gradient.every((g) => Math.abs(g) < gradientTolerance)) return 'converged';
      for (let i = 0; i < x.length; i++) {
        const g = gradient[i]!;
        mean[i] = beta1 * mean[i]! + (1 - beta1) * g;
        square[i] = beta2 * square[i]! + (1 - beta2) * g * g;
        const [m, v] = [mean[i]! / (1 - beta1 ** step), square[i]! / (1 - beta2 ** step)];
        x[i]! -= (learningRate * m) / (Math.sqrt(v) + 1e-8);
      }
    }
  };
}
