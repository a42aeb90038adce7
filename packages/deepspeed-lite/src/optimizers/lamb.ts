/**
 * LAMB: Adam's direction r = m̂/(√v̂ + ε) + λ·θ, scaled for each layer by the trust ratio φ(‖θ‖)/‖r‖.
 *
 * Source: You et al. 2020, Large batch optimization for deep learning, Algorithm 2.
 *
 * Deviations: the ratio is 1 where one of the norms is 0 (biases at the start), as in every implementation; r is rounded to float32
 * before its norm is taken, so that the sum is exact.
 */
import { ArgumentError } from '@ockham/core';
import { checkFractions, checkNotNegative } from './check-rates.ts';
import { entryNorms, entryParts } from './entry-norms.ts';
import type { FlatOptimizer, FlatSlice, UpdateContext } from './flat-optimizer.ts';

/** Options of {@link lamb}. */
export interface LambOptions {
  /** Decay of the mean, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean square, in [0, 1). Default 0.999. */
  readonly beta2?: number;
  /** ε ≥ 0. Default 1e-6, as in the paper. */
  readonly epsilon?: number;
  /** λ ≥ 0. Default 0.01, as in the paper. */
  readonly weightDecay?: number;
  /** Bounds of the trust ratio, 0 ≤ low ≤ high. Default [0, ∞]: none. */
  readonly trustRatio?: readonly [low: number, high: number];
}

/**
 * LAMB on the flat vector; 8 bytes of state for each parameter, and 352 bytes on the wire for each layer and step where the vector
 * is in slices.
 *
 * @throws ArgumentError for options out of range.
 */
export function lamb(options: LambOptions = {}): FlatOptimizer {
  const rates = lambRates('lamb', options);
  return {
    name: 'lamb',
    slots: ['m', 'v'],
    async step(slice, gradients, context) {
      await lambStep(slice, gradients, context, rates);
    },
  };
}

/**
 * The options with their defaults, checked.
 *
 * @throws ArgumentError naming `who`.
 */
export function lambRates(
  who: string,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-6, weightDecay = 0.01, trustRatio = [0, Infinity] }: LambOptions,
): Required<LambOptions> {
  checkFractions(who, { beta1, beta2 });
  checkNotNegative(who, { epsilon, weightDecay });
  const [low, high] = trustRatio;
  if (!(low >= 0 && low <= high))
    throw new ArgumentError(`${who}: trustRatio must be [low, high], 0 ≤ low ≤ high, got [${low}, ${high}].`);
  return { beta1, beta2, epsilon, weightDecay, trustRatio };
}

/** One update in place, with slots `m` and `v`; the trust ratio of each entry, NaN for those the slice does not touch. */
export async function lambStep(
  slice: FlatSlice,
  gradients: Float32Array,
  { step, learningRate, sumOverSlices }: UpdateContext,
  { beta1, beta2, epsilon, weightDecay, trustRatio: [low, high] }: Required<LambOptions>,
): Promise<Float64Array> {
  const { parameters, state, layout } = slice;
  const [m, v] = [state['m']!, state['v']!];
  const [bias1, bias2] = [1 - beta1 ** step, 1 - beta2 ** step];
  const r = gradients;
  for (let i = 0; i < parameters.length; i++) {
    const g = gradients[i]!;
    const mean = beta1 * m[i]! + (1 - beta1) * g;
    const square = beta2 * v[i]! + (1 - beta2) * g * g;
    m[i] = mean;
    v[i] = square;
    r[i] = mean / bias1 / (Math.sqrt(square / bias2) + epsilon) + weightDecay * parameters[i]!;
  }
  const [ofParameters, ofUpdates] = await entryNorms(slice, [parameters, r], sumOverSlices);
  const ratios = new Float64Array(layout.entries.length).fill(NaN);
  for (const { entry, begin, end } of entryParts(slice)) {
    const [weight, update] = [ofParameters![entry]!, ofUpdates![entry]!];
    const ratio = weight === 0 || update === 0 ? 1 : Math.min(high, Math.max(low, weight / update));
    for (let i = begin; i < end; i++) parameters[i] = parameters[i]! - learningRate * ratio * r[i]!;
    ratios[entry] = ratio;
  }
  return ratios;
}
