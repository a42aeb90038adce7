import { restoreWeights, saveWeights, train, type TrainOptions } from '@ockham/core/training';
import type { Split } from '@ockham/core';
import type { RunContext } from '@ockham/reproduce';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** What of a run's context training needs. */
export type Run = Pick<RunContext<object>, 'checkpoint' | 'progress' | 'signal' | 'seed'>;

/**
 * Trains `model` in place, once per seed: a run that was killed finds the weights (or the middle of the training)
 * under `name` and goes on from there.
 */
export async function trainOnce(
  run: Run,
  name: string,
  model: LayersModel,
  split: Split,
  options: TrainOptions,
): Promise<LayersModel> {
  const weights = run.checkpoint(`${name}-weights`);
  const kept = await weights.read();
  if (kept) {
    restoreWeights(model, kept, name);
    return model;
  }
  const { progress, signal, seed } = run;
  await train(model, split, {
    seed,
    signal,
    progress: (event) => progress({ ...event, stage: name }),
    checkpoint: run.checkpoint(`${name}-training`),
    ...options,
  });
  await weights.write(await saveWeights(model));
  return model;
}

/** A constant rate while weights are pruned, for the first `held` of the steps, then {@link cosine}. */
export function heldCosine(rate: number, held: number): (step: number, total: number) => number {
  const falling = cosine(rate);
  return (step, total) => falling(Math.max(0, step - held * total), (1 - held) * total);
}

/** A learning rate that falls to zero along half a cosine (Loshchilov and Hutter 2017). */
export function cosine(rate: number): (step: number, total: number) => number {
  return (step, total) => rate * 0.5 * (1 + Math.cos((Math.PI * step) / total));
}
