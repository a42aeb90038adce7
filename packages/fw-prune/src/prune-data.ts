import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Dataset, Split } from '@ockham/core';
import { checkModel } from '@ockham/core/models';
import { checkFit, type Loss } from '@ockham/core/training';

/** Data for pruning: a `Dataset`, or splits of your own. */
export type PruneData = Dataset | { readonly train: Split; readonly test?: Split };

/**
 * Checks at the door that the model can be used and the splits fit it.
 *
 * @throws UnsupportedModelError for a model of several inputs or outputs, ArgumentError for data that does not fit and a model that
 * is empty or was disposed.
 */
export function checkPruneData(
  who: string,
  model: LayersModel,
  { train, test }: PruneData,
  loss: Loss = 'crossEntropy',
): void {
  checkModel(who, model);
  checkFit(who, model, train, { loss, name: 'train split' });
  if (test) checkFit(who, model, test, { loss, name: 'test split' });
}
