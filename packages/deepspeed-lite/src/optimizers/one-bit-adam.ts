/**
 * 1-bit Adam: Adam for the first steps; then the variance is frozen and the momentum is communicated in signs, with error feedback.
 *
 * Source: Tang et al. 2021, 1-bit Adam: communication efficient large-scale training with Adam's convergence speed, Algorithm 1.
 *
 * Deviations: the bias of the moments is taken out as in Adam, so that the warm-up has Adam's bits; that of the variance is frozen with
 * it. A parameter whose variance is 0 when it is frozen (an input that is always 0) stays where it is, as with DeepSpeed's mask: a
 * sign would move it by scale/ε. With 20 % of the steps in the warm-up, 0.2 + 0.8/32 of the bytes remain: at most 4.44 times fewer.
 */
import { adamW } from './adam.ts';
import { checkFractions, checkNotNegative, checkSteps } from './check-rates.ts';
import { compressedMean } from './compressed-mean.ts';
import type { CompressedOptimizer } from './compressed-optimizer.ts';
import { checkWhole } from './compressed-state.ts';
import { fullMean } from './full-mean.ts';
import type { ScaleRange } from './signs.ts';

/** Options of {@link oneBitAdam}. */
export interface OneBitAdamOptions {
  /** Steps of plain Adam, ≥ 1, after which the variance is frozen. The paper takes 15 to 20 % of all. */
  readonly warmupSteps: number;
  /** Decay of the mean, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean square, in [0, 1). Default 0.999. */
  readonly beta2?: number;
  /** ε ≥ 0. Default 1e-8. */
  readonly epsilon?: number;
  /** λ ≥ 0, decoupled: θ shrinks by η·λ·θ. Default 0. */
  readonly weightDecay?: number;
  /** How far a scale reaches. Default `chunk`, as in the paper. */
  readonly scales?: ScaleRange;
}

/**
 * 1-bit Adam; 12 bytes of state for each parameter, and 4 shared among the ranks.
 *
 * @throws ArgumentError for options out of range.
 */
export function oneBitAdam({
  warmupSteps,
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
  weightDecay = 0,
  scales = 'chunk',
}: OneBitAdamOptions): CompressedOptimizer {
  checkSteps('oneBitAdam', { warmupSteps });
  checkFractions('oneBitAdam', { beta1, beta2 });
  checkNotNegative('oneBitAdam', { epsilon, weightDecay });
  const plain = adamW({ beta1, beta2, epsilon, weightDecay });
  return {
    name: 'oneBitAdam',
    slots: { m: 'replicated', v: 'replicated', workerError: 'local', serverError: 'chunk' },
    async step(slice, gradients, { comm, step, learningRate }) {
      checkWhole('oneBitAdam', slice);
      const { parameters, state, layout } = slice;
      if (step <= warmupSteps) {
        await fullMean('oneBitAdam', gradients, comm);
        await plain.step(slice, gradients, {
          step,
          learningRate,
          sumOverSlices: (sums) => Promise.resolve(sums),
        });
        return;
      }
      const [m, v] = [state['m']!, state['v']!];
      const next = gradients;
      for (let i = 0; i < m.length; i++) next[i] = beta1 * m[i]! + (1 - beta1) * gradients[i]!;
      const errors = { worker: state['workerError']!, server: state['serverError']! };
      await compressedMean('oneBitAdam', next, errors, layout, comm, { scales, live: v });
      const [bias1, bias2] = [1 - beta1 ** step, 1 - beta2 ** warmupSteps];
      const kept = 1 - learningRate * weightDecay;
      for (let i = 0; i < layout.length; i++) {
        m[i] = next[i]!;
        const update = v[i] === 0 ? 0 : next[i]! / bias1 / (Math.sqrt(v[i]! / bias2) + epsilon);
        parameters[i] = kept * parameters[i]! - learningRate * update;
      }
    },
  };
}
