import { serialization } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { UnsupportedModelError } from '../errors.ts';
import { flatLayers, variableOf, type Layer } from '../training/layers.ts';
import { holdsWeights } from '../training/held-weights.ts';
import { checkModel } from './check-model.ts';

type LayerWeight = Layer['weights'][number];

interface ModelClass {
  fromConfig(
    cls: unknown,
    config: serialization.ConfigDict,
    customObjects: serialization.ConfigDict,
    fastWeightInit: boolean,
  ): LayersModel;
}

/**
 * A model of the same topology, names and weights on variables of its own: training one leaves the other as it
 * was. `trainable` flags are kept; the copy is not compiled. The caller disposes of it.
 *
 * Layers of one's own must be registered (`serialization.registerClass`), as for saving.
 *
 * @throws ArgumentError when the model is empty or was disposed.
 * @throws UnsupportedModelError when a layer cannot be made from its configuration.
 *
 * @example
 * const before = await cloneModel(model);
 */
export async function cloneModel(model: LayersModel): Promise<LayersModel> {
  checkModel('cloneModel', model);
  checkRegistered(model);
  const copy = rebuild(model);
  const from = weightsInOrderOfCreation(model);
  const to = weightsInOrderOfCreation(copy);
  const odd = from.find((weight, i) => String(weight.shape) !== String(to[i]?.shape));
  if (odd || from.length !== to.length) {
    copy.dispose();
    throw new UnsupportedModelError(
      `cloneModel: the configuration of a layer does not give back its weights (${odd?.originalName ?? to[from.length]?.originalName}). Let its getConfig() return all that its constructor takes.`,
    );
  }
  // not write(): it would apply the layer's constraint, and the copy would differ
  for (const [i, weight] of from.entries()) variableOf(to[i]!).assign(weight.read());
  copyTrainableFlags(model, copy);
  const copies = flatLayers(copy);
  for (const [i, layer] of flatLayers(model).entries()) {
    const to = copies[i]!;
    if (holdsWeights(layer) && holdsWeights(to)) await to.takeHeldWeights(layer);
  }
  return copy;
}

function checkRegistered(model: LayersModel): void {
  const known = serialization.SerializationMap.getMap().classNameMap;
  const unknown = flatLayers(model).find((layer) => !(layer.getClassName() in known));
  if (!unknown) return;
  throw new UnsupportedModelError(
    `cloneModel: the class ${unknown.getClassName()} of layer ${unknown.name} is not registered. Call serialization.registerClass(${unknown.getClassName()}) first.`,
  );
}

function rebuild(model: LayersModel): LayersModel {
  const cls = model.constructor as unknown as ModelClass;
  try {
    const config = structuredClone(model.getConfig()); // fromConfig edits what it is given
    return cls.fromConfig(cls, config, {}, true); // zeros: initial values would be overwritten
  } catch (cause) {
    throw new UnsupportedModelError(
      `cloneModel: the model cannot be made from its configuration: ${(cause as Error).message}`,
    );
  }
}

/**
 * The weights of a model in the order in which its layers made them, the same for every model of one configuration.
 * `layer.weights` puts frozen weights last; with every flag on, the order is that of creation.
 */
export function weightsInOrderOfCreation(model: LayersModel): LayerWeight[] {
  return flatLayers(model).flatMap((layer) => {
    const trainable = layer.trainable;
    const flags = layer.weights.map((weight) => [weight, weight.trainable] as const);
    layer.trainable = true;
    const weights = [...layer.weights];
    layer.trainable = trainable;
    for (const [weight, flag] of flags) weight.trainable = flag;
    return weights;
  });
}

function copyTrainableFlags(from: LayersModel, to: LayersModel): void {
  copyContainerFlags(from, to); // first: it also sets the flags of the weights within
  const copies = flatLayers(to);
  for (const [i, layer] of flatLayers(from).entries()) copies[i]!.trainable = layer.trainable;
  const copied = weightsInOrderOfCreation(to);
  for (const [i, weight] of weightsInOrderOfCreation(from).entries()) copied[i]!.trainable = weight.trainable;
}

function copyContainerFlags(from: LayersModel, to: LayersModel): void {
  to.trainable = from.trainable;
  for (const [i, layer] of from.layers.entries()) {
    if ('layers' in layer) {
      copyContainerFlags(layer as unknown as LayersModel, to.layers[i] as unknown as LayersModel);
    }
  }
}
