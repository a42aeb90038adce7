import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, UnsupportedModelError } from '../errors.ts';

/**
 * Checks that a model can be used: it has layers, and its weights were not disposed.
 *
 * @throws ArgumentError naming `who`.
 */
export function checkModel(who: string, model: LayersModel): void {
  if (!model.outputs?.length) {
    throw new ArgumentError(
      `${who}: the model must have layers and an input shape, got an empty one. Add a layer with an inputShape first.`,
    );
  }
  try {
    for (const weight of model.weights) weight.read(); // throws once disposed
  } catch {
    throw new ArgumentError(
      `${who}: the model must be alive, got one that was disposed. Do this before dispose().`,
    );
  }
}

/**
 * Checks that a model has one input and one output.
 *
 * @throws UnsupportedModelError naming `who`.
 */
export function checkSingleInputAndOutput(who: string, model: LayersModel): void {
  if (model.inputs.length === 1 && model.outputs.length === 1) return;
  throw new UnsupportedModelError(
    `${who}: needs a model of one input and one output, got ${model.inputs.length} and ${model.outputs.length}. Wrap the part to measure in tf.model({ inputs, outputs }).`,
  );
}
