import { parallel, sequential } from './deflation.ts';
import { direct } from './direct.ts';
import { factorised, scaled } from './factorised.ts';
import { gradientDescent } from './gradient-descent.ts';
import type { Method } from './method.ts';
import { projectedGradient } from './projected-gradient.ts';
import { subgradient } from './subgradient.ts';

/**
 * - `direct`: the global minimum in closed form.
 * - `gradient-descent`: without a rank (Section 3.1).
 * - `projected-gradient`: iterative hard thresholding (Section 3.1).
 * - `factorised`, `scaled`: descent on two factors (Section 3.2), plain or preconditioned.
 * - `sequential`, `parallel`: rank-1 deflation (Section 3.2), component after component or all at once.
 * - `subgradient`: ‖Y − XW‖₁, for gross errors in Y.
 */
export type RecoveryMethod =
  | 'direct'
  | 'gradient-descent'
  | 'projected-gradient'
  | 'factorised'
  | 'scaled'
  | 'sequential'
  | 'parallel'
  | 'subgradient';

/** By name. */
export const methods: Readonly<Record<RecoveryMethod, Method>> = {
  direct,
  'gradient-descent': gradientDescent,
  'projected-gradient': projectedGradient,
  factorised,
  scaled,
  sequential,
  parallel,
  subgradient,
};
