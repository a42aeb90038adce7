/**
 * Lion: θ ← θ − η·(sign(β₁·m + (1 − β₁)·g) + λ·θ), then m ← β₂·m + (1 − β₂)·g.
 *
 * Source: Chen et al. 2023, Symbolic discovery of optimization algorithms, Program 1.
 */
import { checkFractions, checkNotNegative } from './check-rates.ts';
import type { FlatOptimizer } from './flat-optimizer.ts';

/** Options of {@link lion}. */
export interface LionOptions {
  /** Weight of the momentum in the direction, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** Decay of the momentum, in [0, 1). Default 0.99. */
  readonly beta2?: number;
  /** λ ≥ 0, decoupled. Default 0. */
  readonly weightDecay?: number;
}

/**
 * Lion on the flat vector; 4 bytes of state for each parameter. Its learning rate is 3 to 10 times smaller than Adam's.
 *
 * @throws ArgumentError for options out of range.
 */
export function lion({ beta1 = 0.9, beta2 = 0.99, weightDecay = 0 }: LionOptions = {}): FlatOptimizer {
  checkFractions('lion', { beta1, beta2 });
  checkNotNegative('lion', { weightDecay });
  return {
    name: 'lion',
    slots: ['m'],
    step({ parameters, state }, gradients, { learningRate }) {
      const m = state['m']!;
      for (let i = 0; i < parameters.length; i++) {
        const theta = parameters[i]!;
        const g = gradients[i]!;
        const direction = Math.sign(beta1 * m[i]! + (1 - beta1) * g);
        m[i] = beta2 * m[i]! + (1 - beta2) * g;
        parameters[i] = theta - learningRate * (direction + weightDecay * theta);
      }
    },
  };
}
