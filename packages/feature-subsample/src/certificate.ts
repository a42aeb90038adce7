/** How far from the least-squares optimum a point can be, without knowing it. */
import type { LinearSystem } from './system.ts';

/** What is known of a point. */
export interface Certificate {
  /** ‖Ax − b‖/‖b‖. */
  readonly residual: number;
  /** ‖Aᵀ(Ax − b)‖/‖Aᵀb‖: 0 at every optimum. */
  readonly normalResidual: number;
  /**
   * An upper bound of (½‖Ax − b‖² − min)/(½‖b‖²): the smaller of ‖r‖²/‖b‖² (the dual point 0), and
   * ‖Aᵀr‖²/(μ‖b‖²) where μ, the smallest eigenvalue of AᵀA that is not zero, is known (the dual point is r without its
   * part in A's range, which is no longer than ‖Aᵀr‖/√μ).
   */
  readonly dualityGap: number;
}

/** A certificate at `x`, for one pass over A; the first of a system takes two. */
export function certify(system: LinearSystem, x: Float64Array, smallest: number | null = null): Certificate {
  const b2 = squares(system.b) || 1;
  const { residual, gradient } = system.residualAndGradient(x);
  const [r2, g2] = [squares(residual), squares(gradient)];
  const scale = squares(system.gradientAtZero()) || 1;
  const byDual = r2 / b2;
  return {
    residual: Math.sqrt(r2 / b2),
    normalResidual: Math.sqrt(g2 / scale),
    dualityGap: smallest === null ? byDual : Math.min(byDual, g2 / smallest / b2),
  };
}

export function squares(v: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += v[i]! * v[i]!;
  return sum;
}
