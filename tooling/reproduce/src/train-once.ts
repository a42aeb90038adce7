import type { Split } from '@ockham/core';
import { restoreWeights, saveWeights, train, type TrainOptions } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { RunContext } from './experiment.ts';

/** What of a run's context training needs. */
export type TrainingRun = Pick<RunContext<object>, 'checkpoint' | 'progress' | 'signal' | 'seed'>;

/**
 * Trains `model` in place, once per seed: a run that was killed finds the weights, or the middle of the training, under
 * `name` and goes on from there.
 */
export async function trainOnce(
  { checkpoint, progress, signal, seed }: TrainingRun,
  name: string,
  model: LayersModel,
  split: Split,
  options: TrainOptions,
): Promise<LayersModel> {
  const weights = checkpoint(`${name}-weights`);
  const kept = await weights.read();
  if (kept) {
    restoreWeights(model, kept, name);
    return model;
  }
  await train(model, split, {
    seed,
    signal,
    progress: (event) => progress({ ...event, stage: name }),
    checkpoint: checkpoint(`${name}-training`),
    ...options,
  });
  await weights.write(await saveWeights(model));
  return model;
}
