import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Split } from '../dataset.ts';
import type { LossName } from './common-options.node.ts';

/**
 * The loss that a saved model was most likely trained with: real targets take the squared error; class indexes the cross
 * entropy, of probabilities where the model ends in a softmax and of logits where it ends in no activation.
 */
export function chooseLoss(model: LayersModel, train: Split | undefined): LossName {
  if (train && train.y.values instanceof Float32Array) return 'meanSquaredError';
  const config = model.layers.at(-1)?.getConfig() ?? {};
  return config['activation'] === 'linear' ? 'crossEntropyFromLogits' : 'crossEntropy';
}
