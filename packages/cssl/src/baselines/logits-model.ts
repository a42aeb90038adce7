import { UnsupportedModelError } from '@ockham/core';
import { buildModel, configOf } from '@ockham/core/graph';
import { weightsInOrderOfCreation } from '@ockham/core/models';
import { variableOf } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/**
 * A copy of a classifier whose outputs are the values before the softmax. The caller disposes of it.
 *
 * @throws UnsupportedModelError where the last layer is no dense layer with softmax or linear outputs, nor a softmax after one.
 */
export function logitsModel(who: string, model: LayersModel): LayersModel {
  const config = configOf(model);
  const last = model.outputs[0]!.sourceLayer;
  const entry = config.layers[model.layers.indexOf(last)];
  const isClassifier =
    last.getClassName() === 'Dense' ||
    (last.getClassName() === 'Activation' &&
      last.inboundNodes[0]?.inboundLayers[0]?.getClassName() === 'Dense');
  if (!entry || !isClassifier || !['softmax', 'linear'].includes(entry.config['activation'] as string)) {
    throw new UnsupportedModelError(
      `${who}: the model must end with a dense layer with an output for each class, softmax or linear; ${model.name} ends with ${last.name} (${last.getClassName()}).`,
    );
  }
  entry.config['activation'] = 'linear';
  const copy = buildModel(model, config, who);
  const weights = weightsInOrderOfCreation(model);
  for (const [i, weight] of weightsInOrderOfCreation(copy).entries()) {
    variableOf(weight).assign(variableOf(weights[i]!));
  }
  return copy;
}
