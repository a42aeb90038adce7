/**
 * Section 4: step sizes for the local steps of a masked worker.
 *
 * Deviations: 4.1 prints losses where gradients are meant. The roots of 4.2 are αη/(1 − (1−α)^{1/T}ω^j), ω = e^{2πi/T}:
 * for α < 1 and T ≥ 3 never all real. Their steps, taken together, are T plain steps of αη stretched by 1/α, in real
 * arithmetic; `printed` takes the real parts of the roots.
 */

/** How a worker chooses its local steps; `chebyshev` is not in the paper. */
export type StepScheme = 'constant' | 'line-search' | 'polynomial' | 'chebyshev';

/** A complex number. */
export interface Complex {
  /** Real part. */
  readonly re: number;
  /** Imaginary part. */
  readonly im: number;
}

/** The T roots of Section 4.2's polynomial, the real one first. */
export function polynomialRoots(localSteps: number, alpha: number, eta: number): readonly Complex[] {
  const r = (1 - alpha) ** (1 / localSteps);
  return Array.from({ length: localSteps }, (_, j) => {
    const re = 1 - r * Math.cos((2 * Math.PI * j) / localSteps);
    const im = -r * Math.sin((2 * Math.PI * j) / localSteps);
    const size = re * re + im * im;
    return { re: (alpha * eta * re) / size, im: Math.abs(im) < 1e-15 ? 0 : (-alpha * eta * im) / size };
  });
}

/** How many of the roots are not real. */
export function complexRoots(localSteps: number, alpha: number): number {
  return polynomialRoots(localSteps, alpha, 1).filter(({ im }) => im !== 0).length;
}

/** What a worker runs: `gradient` and `product` (‖AMg‖²) at its point. */
export interface LocalProblem {
  gradient(v: Float64Array): Float64Array;
  /** Squared length of AMg. */
  curvature(g: Float64Array): number;
  /** The loss, for the printed form of 4.1. */
  loss(v: Float64Array): number;
}

/** T local steps from `start`. */
export function localDescent(
  problem: LocalProblem,
  start: Float64Array,
  options: {
    readonly scheme: StepScheme;
    readonly localSteps: number;
    readonly eta: number;
    readonly alpha: number;
    readonly printed: boolean;
  },
): Float64Array {
  const { scheme, localSteps: T, eta, alpha, printed } = options;
  const roots = scheme === 'polynomial' && printed ? polynomialRoots(T, alpha, eta) : [];
  let v = start.slice();
  for (let t = 0; t < T; t++) {
    const g = problem.gradient(v);
    let step = eta;
    if (scheme === 'line-search') {
      const curvature = problem.curvature(g);
      const numerator = printed ? problem.loss(v) ** 2 : g.reduce((sum, value) => sum + value * value, 0);
      step = curvature > 0 && numerator > 0 ? numerator / curvature : 0;
    } else if (scheme === 'polynomial') step = printed ? roots[t]!.re : alpha * eta;
    // the inverse roots of the Chebyshev polynomial on [0.1, 1]/η
    else if (scheme === 'chebyshev') step = eta / (0.55 + 0.45 * Math.cos((Math.PI * (t + 0.5)) / T));
    v = v.map((value, p) => value - step * g[p]!);
  }
  if (scheme === 'polynomial' && !printed)
    return v.map((value, p) => start[p]! + (value - start[p]!) / alpha);
  return v;
}
