/**
 * 1-bit LAMB: LAMB for the first steps, in which the trust ratios are averaged; then variance and ratios are frozen, the momentum is
 * communicated in signs, and the ratio of each layer follows how far a fresh variance has moved from the frozen one.
 *
 * Source: Li et al. 2021, 1-bit LAMB: communication efficient large-scale large-batch training with LAMB's convergence speed,
 * Algorithm 1; the momentum is scaled to one magnitude over the layers before it is compressed, section 5.
 *
 * Deviations: moments without their bias, and parameters of variance 0, as in `one-bit-adam.ts`; the average of the trust ratios has its
 * bias taken out.
 */
import { ArgumentError } from '@ockham/core';
import { checkFractions, checkSteps } from './check-rates.ts';
import { compressedMean } from './compressed-mean.ts';
import type { CompressedOptimizer } from './compressed-optimizer.ts';
import { checkWhole } from './compressed-state.ts';
import { entryNorms } from './entry-norms.ts';
import type { FlatSlice, SumOverSlices } from './flat-optimizer.ts';
import { fullMean } from './full-mean.ts';
import { lambRates, lambStep, type LambOptions } from './lamb.ts';
import type { ScaleRange } from './signs.ts';

/** Options of {@link oneBitLamb}. */
export interface OneBitLambOptions extends LambOptions {
  /** Steps of plain LAMB, ≥ 1. */
  readonly warmupSteps: number;
  /** β₃ in [0, 1): decay of the mean of the trust ratios. Default 0.9, the paper's. */
  readonly coefficientBeta?: number;
  /** Bounds of the factor on the frozen trust ratio. Default [0.5, 4], the paper's. */
  readonly factor?: readonly [low: number, high: number];
  /** How far the factor may move in a step, as a part of it, ≥ 0. Default 0.1, the paper's. */
  readonly factorChange?: number;
  /** How far a scale reaches. Default `chunk`: the momentum is scaled by layers already. */
  readonly scales?: ScaleRange;
}

const alone: SumOverSlices = (sums) => Promise.resolve(sums);

/**
 * 1-bit LAMB; 16 bytes of state for each parameter, and 4 shared among the ranks.
 *
 * @throws ArgumentError for options out of range.
 */
export function oneBitLamb(options: OneBitLambOptions): CompressedOptimizer {
  const {
    warmupSteps,
    coefficientBeta = 0.9,
    factor: bounds = [0.5, 4],
    factorChange = 0.1,
    scales,
  } = options;
  const rates = lambRates('oneBitLamb', options);
  checkSteps('oneBitLamb', { warmupSteps });
  checkFractions('oneBitLamb', { coefficientBeta, factorChange });
  if (!(bounds[0] > 0 && bounds[0] <= bounds[1]))
    throw new ArgumentError(
      `oneBitLamb: factor must be [low, high], 0 < low ≤ high, got [${bounds.join(', ')}].`,
    );
  const { beta1, beta2, epsilon, weightDecay } = rates;

  /** Freezes the coefficients, and brings the momenta of all layers to the mean of their magnitudes. */
  const freeze = async (slice: FlatSlice): Promise<void> => {
    const { state, layout } = slice;
    const [norms] = await entryNorms(slice, [state['m']!], alone);
    const magnitudes = layout.entries.map(({ size }, l) => norms![l]! / Math.sqrt(size));
    const united = magnitudes.reduce((sum, x) => sum + x, 0) / magnitudes.length;
    const bias = 1 - coefficientBeta ** warmupSteps;
    for (const [l, magnitude] of magnitudes.entries()) {
      state['scale']![l] = magnitude > 0 ? united / magnitude : 1;
      state['coefficient']![l] = state['coefficient']![l]! / bias;
    }
    state['factor']!.fill(1);
    state['fresh']!.set(state['v']!);
  };

  return {
    name: 'oneBitLamb',
    slots: {
      m: 'replicated',
      v: 'replicated',
      fresh: 'replicated',
      workerError: 'local',
      serverError: 'chunk',
      coefficient: 'entry',
      factor: 'entry',
      scale: 'entry',
    },
    async step(slice, gradients, { comm, step, learningRate }) {
      checkWhole('oneBitLamb', slice);
      const { parameters, state, layout } = slice;
      const [coefficient, factor, scale] = [state['coefficient']!, state['factor']!, state['scale']!];
      if (step <= warmupSteps) {
        await fullMean('oneBitLamb', gradients, comm);
        const ratios = await lambStep(slice, gradients, { step, learningRate, sumOverSlices: alone }, rates);
        for (let l = 0; l < ratios.length; l++)
          coefficient[l] = coefficientBeta * coefficient[l]! + (1 - coefficientBeta) * (ratios[l] || 0);
        if (step === warmupSteps) await freeze(slice);
        return;
      }
      const [m, v, fresh] = [state['m']!, state['v']!, state['fresh']!];
      const next = gradients;
      for (const [l, { offset, size }] of layout.entries.entries())
        for (let i = offset; i < offset + size; i++)
          next[i] = (beta1 * m[i]! + (1 - beta1) * gradients[i]!) * scale[l]!;
      const errors = { worker: state['workerError']!, server: state['serverError']! };
      await compressedMean('oneBitLamb', next, errors, layout, comm, { live: v, ...(scales && { scales }) });

      const [bias1, bias2] = [1 - beta1 ** step, 1 - beta2 ** warmupSteps];
      for (const [l, { offset, size }] of layout.entries.entries()) {
        let largest = 0;
        for (let i = offset; i < offset + size; i++) {
          const mean = next[i]! / scale[l]!;
          const g = (mean - beta1 * m[i]!) / (1 - beta1);
          fresh[i] = beta2 * fresh[i]! + (1 - beta2) * g * g;
          m[i] = mean;
          if (v[i] === 0) continue;
          const moved = (Math.sqrt(v[i]! / bias2) + epsilon) / (Math.sqrt(fresh[i]! / bias2) + epsilon);
          largest = Math.max(largest, moved);
        }
        const last = factor[l]!;
        const bounded = Math.min(bounds[1], Math.max(bounds[0], largest));
        const now = Math.min(last * (1 + factorChange), Math.max(last * (1 - factorChange), bounded));
        factor[l] = now;
        const rate = learningRate * coefficient[l]! * now;
        for (let i = offset; i < offset + size; i++) {
          const update = v[i] === 0 ? 0 : m[i]! / bias1 / (Math.sqrt(v[i]! / bias2) + epsilon);
          parameters[i] = parameters[i]! - rate * (update + weightDecay * parameters[i]!);
        }
      }
    },
  };
}
