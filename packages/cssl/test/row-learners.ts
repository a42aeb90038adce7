/** Learners of 4 × 4 images, disposed of after the test that made them. */
import { mlp } from '@ockham/core/models';
import { saveWeights } from '@ockham/core/training';
import { coldStart, type ColdStartOptions, type Learner } from '@ockham/cssl';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { afterEach } from 'vitest';

export const made: { dispose(): unknown }[] = [];
export const keepUntilEnd = <T extends { dispose(): unknown }>(value: T): T => (made.push(value), value);
afterEach(() => {
  for (const value of made.splice(0).reverse()) value.dispose();
});

export const network = (seed = 3, dropout = 0): LayersModel =>
  keepUntilEnd(mlp({ inputShape: [4, 4, 1], units: [16], classes: 10, seed, dropout }));

export const settings = { replay: { capacity: 40, batch: 7 }, seed: 5, learningRate: 0.1 } as const;

export const start = (model: LayersModel, options: Partial<ColdStartOptions> = {}): Learner =>
  keepUntilEnd(coldStart(model, { ...settings, ...options }));

export async function valuesOf(learner: Learner): Promise<number[]> {
  const model = await learner.toModel();
  const { arrays } = await saveWeights(model);
  model.dispose();
  return Object.values(arrays).flatMap((values) => [...values]);
}
