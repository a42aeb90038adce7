/**
 * The baseline of the talk: W = U Vᵀ of a fixed rank as two ordinary layers, to be trained by gradient descent on both
 * factors at once. Its gradients are scaled by the other factor's singular values, so that it stalls where those are small.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { replaceByFactors } from '../factorise/replace-by-factors.ts';
import type { Factors } from '../factorise/split-layer.ts';
import { toRandom, type Seed } from '@ockham/core/random';
import { balancedFactors } from './balanced-factors.ts';
import { planLayers } from './layer-plan.ts';
import type { DlrtOptions } from './options.ts';
import { startFactors } from './start-factors.ts';

/** Options of {@link vanillaLowRank}: those of `dlrt` that say where it starts. */
export interface VanillaOptions extends Pick<
  DlrtOptions,
  'rank' | 'initialRank' | 'lastLayer' | 'targets' | 'start' | 'tolerance'
> {
  /** The same seed starts from the same factors as `dlrt`. Default 0. */
  readonly seed?: Seed;
}

/**
 * The model with its layers as U√Σ and √ΣVᵀ, from the same start as {@link dlrt} with the same options.
 *
 * @param model Not changed.
 * @returns An ordinary model, for `train` of `@ockham/core/training`. The caller disposes of it.
 * @throws As `dlrt`.
 *
 * @example
 * const baseline = await vanillaLowRank(model, { rank: 32, start: 'random' });
 * await train(baseline, data.train, { epochs: 10, optimizer: 'sgd' });
 */
export async function vanillaLowRank(model: LayersModel, options: VanillaOptions): Promise<LayersModel> {
  const random = toRandom(options.seed ?? 0).stream('dlrt');
  const factors = new Map<string, Factors>();
  for (const plan of planLayers(model, { ...options, epochs: 0 })) {
    if (plan.dense !== undefined) continue;
    factors.set(plan.path, balancedFactors(await startFactors(plan, options.start, random)));
  }
  return replaceByFactors(model, factors);
}
