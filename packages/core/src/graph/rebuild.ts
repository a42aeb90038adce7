import { tensor, type serialization } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { UnsupportedModelError } from '../errors.ts';
import { holdsWeights } from '../training/held-weights.ts';
import { depthMultiplierOf, type Layer } from './layer-rules.ts';
import { isModel } from './trace.ts';
import type { WeightValues } from './weight-values.ts';

/** One entry of `layers` in a model's config. */
export interface LayerEntry {
  /** The layer's name within its model. */
  readonly name?: string;
  /** The class that `tf.serialization` knows. */
  readonly className: string;
  /** What the layer's `getConfig` returned. */
  config: serialization.ConfigDict;
  /** Per call, per input: layer name, call number, output number, keyword arguments. */
  inboundNodes?: [string, number, number, serialization.ConfigDict][][];
}

/** What `getConfig` of a model returns. */
export interface ModelConfig {
  /** The model's name. */
  readonly name: string;
  /** One entry for each layer. */
  layers: LayerEntry[];
  /** Of a functional model: layer, call and output of each input. */
  inputLayers?: [string, number, number][];
  /** Of a functional model: layer, call and output of each output. */
  outputLayers?: [string, number, number][];
}

/** A copy of a model's config that may be edited. */
export function configOf(model: LayersModel): ModelConfig {
  const config = structuredClone(model.getConfig()) as unknown as ModelConfig;
  forEachEntry(model, config, (layer, entry) => {
    // TensorFlow.js 4.22 leaves it out of this layer's config, and a copy would get the default of 1.
    if (entry.className === 'SeparableConv2D') entry.config['depthMultiplier'] = depthMultiplierOf(layer);
  });
  return config;
}

/** Calls `edit` with every layer of a model that is not itself a model, and its entry of the config. */
export function forEachEntry(
  model: LayersModel,
  config: ModelConfig,
  edit: (layer: Layer, entry: LayerEntry) => void,
): void {
  for (const [i, layer] of model.layers.entries()) {
    const entry = config.layers[i]!;
    if (isModel(layer)) forEachEntry(layer, entry.config as unknown as ModelConfig, edit);
    else edit(layer, entry);
  }
}

/** Gives the new value of a layer's weight. */
export type NewWeight = (layer: Layer, weight: Layer['weights'][number], old: WeightValues) => WeightValues;

/** The weights of layers that the old model does not have, by path: `outer/inner` in a nested model. */
export type MadeWeights = ReadonlyMap<string, readonly WeightValues[]>;

/**
 * Builds the model that `config` describes, all weights zero. The class is that of `model`. The caller owns it; like a
 * loaded model, it is not compiled.
 *
 * @throws UnsupportedModelError naming `who` where a layer cannot be made from its configuration.
 */
export function buildModel(model: LayersModel, config: ModelConfig, who = 'graph.buildModel'): LayersModel {
  const kind = model.constructor as unknown as {
    fromConfig(kind: unknown, config: unknown, customObjects: object, fastWeightInit: boolean): LayersModel;
  };
  try {
    return kind.fromConfig(kind, config, {}, true);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UnsupportedModelError(
      `${who}: TensorFlow.js cannot build ${model.name} again from its config: ${message} Register custom layers with serialization.registerClass and let getConfig return all of their arguments.`,
    );
  }
}

/**
 * Builds the model that `config` describes, with the weights of `model`'s layers of the same name. The caller
 * owns it; `model` is untouched. Like a loaded model, it is not compiled.
 *
 * @param made Of every layer in `config` that is new.
 */
export async function rebuild(
  model: LayersModel,
  config: ModelConfig,
  newWeight: NewWeight = (_, __, old) => old,
  made: MadeWeights = new Map(),
): Promise<LayersModel> {
  const built = buildModel(model, config, 'graph.rebuild');
  await copyWeights(model, built, newWeight, made);
  const metadata = model.getUserDefinedMetadata();
  if (metadata !== undefined) built.setUserDefinedMetadata(metadata);
  return built;
}

async function copyWeights(
  from: LayersModel,
  to: LayersModel,
  newWeight: NewWeight,
  made: MadeWeights,
  prefix = '',
): Promise<void> {
  const sources = new Map(from.layers.map((layer) => [layer.name, layer]));
  for (const target of to.layers) {
    const fresh = made.get(prefix + target.name);
    if (fresh !== undefined) {
      for (const [i, values] of fresh.entries()) write(target.weights[i]!, values);
      continue;
    }
    const source = sources.get(target.name)!;
    if (isModel(source)) {
      const inner = target as unknown as LayersModel;
      await copyWeights(source, inner, newWeight, made, `${prefix}${source.name}/`);
      continue;
    }
    for (const [i, weight] of source.weights.entries()) {
      const copy = target.weights[i]!;
      const values: WeightValues['values'] = await weight.read().data();
      write(copy, newWeight(source, weight, { shape: weight.shape as number[], values }));
      copy.trainable = weight.trainable;
    }
    if (holdsWeights(source) && holdsWeights(target)) await target.takeHeldWeights(source);
  }
}

function write(weight: Layer['weights'][number], { shape, values }: WeightValues): void {
  const fresh = tensor(values, [...shape], weight.dtype);
  weight.write(fresh);
  fresh.dispose();
}
