import type { Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** A layer of a `LayersModel`. */
export type Layer = LayersModel['layers'][number];
type LayerWeight = Layer['weights'][number];

/** Every layer of a model, those of nested models in place of the model itself. */
export function flatLayers(model: LayersModel): Layer[] {
  return model.layers.flatMap((layer) => {
    const inner = (layer as unknown as LayersModel).layers as Layer[] | undefined;
    return inner === undefined ? [layer] : flatLayers(layer as unknown as LayersModel);
  });
}

/** The tensor variable behind a layer's weight. */
export function variableOf(weight: LayerWeight): Variable {
  return weight.read() as Variable;
}

/** The variables that training changes, in the model's order, each once. */
export function trainableVariables(model: LayersModel): Variable[] {
  return [...new Set(model.trainableWeights.map(variableOf))];
}
