import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Layer } from './layer-rules.ts';

/** Whether a layer is itself a model. */
export function isModel(layer: Layer | LayersModel): layer is LayersModel {
  return Array.isArray((layer as LayersModel).layers);
}

/** The name of every layer within the model, `outer/inner` for a nested model's layer. */
export function pathsOf(
  model: LayersModel,
  prefix = '',
  paths: Map<Layer, string> = new Map(),
): Map<Layer, string> {
  for (const layer of model.layers) {
    if (isModel(layer)) pathsOf(layer, `${prefix}${layer.name}/`, paths);
    else paths.set(layer, prefix + layer.name);
  }
  return paths;
}

/** Every layer by its name within the model, in the model's order; nested models are entered. */
export function layersByPath(model: LayersModel): Map<string, Layer> {
  return new Map([...pathsOf(model)].map(([layer, path]) => [path, layer]));
}
