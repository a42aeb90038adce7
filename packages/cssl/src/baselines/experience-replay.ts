/**
 * Two plain baselines: fine-tuning, which forgets, and experience replay with a reservoir.
 *
 * Source: Chaudhry et al. 2019, "On tiny episodic memories in continual learning" (ER-reservoir). Deviations: none.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { StreamLearner } from '../evaluation/stream-learner.ts';
import type { GradientOptions, MemoryOptions } from './baseline-options.ts';
import { replayBaseline } from './replay-baseline.ts';

/** Options of {@link fineTune}. */
export type FineTuneOptions = Omit<GradientOptions, 'replay'>;

/**
 * Gradient steps on the new examples alone: the control that shows forgetting.
 *
 * @param model An output for each class that may appear; not changed.
 */
export function fineTune(model: LayersModel, options: FineTuneOptions = {}): Promise<StreamLearner> {
  return replayBaseline('fineTune', model, options, undefined);
}

/** Options of {@link experienceReplay}. */
export interface ExperienceReplayOptions extends GradientOptions, MemoryOptions {}

/**
 * Gradient steps on new examples and a uniform sample of a reservoir, without augmentation.
 *
 * @param model An output for each class that may appear; not changed.
 * @throws ArgumentError for options out of range.
 */
export function experienceReplay(
  model: LayersModel,
  options: ExperienceReplayOptions,
): Promise<StreamLearner> {
  const { capacity, bytes } = options;
  return replayBaseline('experienceReplay', model, options, {
    ...(capacity !== undefined && { capacity }),
    ...(bytes !== undefined && { bytes }),
    evict: 'reservoir',
  });
}
