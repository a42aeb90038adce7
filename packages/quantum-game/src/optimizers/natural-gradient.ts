/** Natural gradient (Stokes et al. 2020): steps of learningRate · g⁻¹∇ with the Fubini–Study metric g of the circuit. */
import { eigh } from '@ockham/core/linalg/eigh';
import type { Circuit } from '../circuit/circuit.ts';
import { fubiniStudyMetric } from '../gradients/metric.ts';
import type { Optimizer } from './optimizer.ts';

/** Options of {@link naturalGradient}. */
export interface NaturalGradientOptions {
  /** The circuit whose parameters are optimised. */
  readonly circuit: Circuit;
  /** Default 0.2. */
  readonly learningRate?: number;
  /** Added to the metric's eigenvalues. Default 1e-3. */
  readonly damping?: number;
  /** Stop where the gradient's largest element is below. Default 1e-6. */
  readonly gradientTolerance?: number;
}

/** Natural gradient descent. */
export function naturalGradient(options: NaturalGradientOptions): Optimizer {
  const { circuit, learningRate = 0.2, damping = 1e-3, gradientTolerance = 1e-6 } = options;
  return function* (objective, start) {
    const n = start.length;
    const x = start.slice();
    const gradient = new Float64Array(n);
    for (;;) {
      const value = objective.gradient(x, gradient);
      yield { x, value };
      if (gradient.every((g) => Math.abs(g) < gradientTolerance)) return 'converged';
      const { values, vectors } = eigh({ rows: n, columns: n, values: fubiniStudyMetric(circuit, x) });
      for (let k = 0; k < n; k++) {
        let along = 0;
        for (let i = 0; i < n; i++) along += vectors.values[i * n + k]! * gradient[i]!;
        const step = (learningRate * along) / (Math.max(0, values[k]!) + damping);
        for (let i = 0; i < n; i++) x[i]! -= step * vectors.values[i * n + k]!;
      }
    }
  };
}
