import type { serialization } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, NothingChangedError } from '../errors.ts';
import { configOf, rebuild, type LayerEntry, type ModelConfig } from './rebuild.ts';
import { isModel, layerPaths } from './trace.ts';
import type { WeightValues } from './weight-values.ts';

/** One layer of a chain that takes the place of another. */
export interface NewLayer {
  /** Must not be the name of another layer of the same model. */
  readonly name: string;
  /** As registered for serialization: `Dense`, `Conv2D`, … */
  readonly className: string;
  /** What the layer's constructor takes, without `name`. */
  readonly config: serialization.ConfigDict;
  /** In the order of the layer's own `weights`. */
  readonly weights: readonly WeightValues[];
}

/**
 * Puts a chain of layers in the place of single layers: what a layer read, the first of its chain reads, and what
 * read the layer reads the last. A layer that is called several times becomes a chain that is.
 *
 * @param model Not changed. Names, weights and settings of the other layers stay; the result is not compiled.
 * @param chains By the layer's path: its name, or `outer/inner` within a nested model. A layer of the
 *   chain may carry on the name of the one that it replaces.
 * @throws ArgumentError for a path that the model does not have, an empty chain, a name that is taken.
 * @throws UnsupportedModelError where the model cannot be built again from its config.
 * @throws NothingChangedError if `chains` is empty.
 *
 * @example
 * const thin = await replaceLayers(model, new Map([['fc1', [
 *   { name: 'fc1/u', className: 'Dense', config: { units: 8, useBias: false }, weights: [u] },
 *   { name: 'fc1/v', className: 'Dense', config: { units: 500, activation: 'relu' }, weights: [v, bias] },
 * ]]]));
 */
export async function replaceLayers(
  model: LayersModel,
  chains: ReadonlyMap<string, readonly NewLayer[]>,
): Promise<LayersModel> {
  const paths = new Set(layerPaths(model).values());
  for (const [path, chain] of chains) {
    if (!paths.has(path)) {
      throw new ArgumentError(
        `replaceLayers: ${model.name} has no layer "${path}". Its layers are ${[...paths].join(', ')}.`,
      );
    }
    if (chain.length === 0)
      throw new ArgumentError(`replaceLayers: the chain for "${path}" is empty. Use removeLayers instead.`);
  }
  if (chains.size === 0) {
    throw new NothingChangedError('replaceLayers: no layer is to be replaced. Pass at least one chain.');
  }
  const config = configOf(model);
  const made = new Map<string, readonly WeightValues[]>();
  replaceIn(model, config, chains, made);
  return rebuild(model, config, undefined, made);
}

function replaceIn(
  model: LayersModel,
  config: ModelConfig,
  chains: ReadonlyMap<string, readonly NewLayer[]>,
  made: Map<string, readonly WeightValues[]>,
  prefix = '',
): void {
  const chainOf = (name: string) => chains.get(prefix + name);
  const moved = <T extends readonly [string, ...unknown[]]>([name, ...rest]: T): T =>
    [chainOf(name)?.at(-1)!.name ?? name, ...rest] as unknown as T;
  for (const entry of config.layers) {
    if (entry.inboundNodes) entry.inboundNodes = entry.inboundNodes.map((call) => call.map(moved));
  }
  if (config.outputLayers) config.outputLayers = config.outputLayers.map(moved);
  config.layers = config.layers.flatMap((entry, i) => {
    const layer = model.layers[i]!;
    if (isModel(layer)) {
      replaceIn(layer, entry.config as unknown as ModelConfig, chains, made, `${prefix}${layer.name}/`);
      return entry;
    }
    const chain = chainOf(layer.name);
    if (chain === undefined) return entry;
    for (const { name, weights } of chain) made.set(prefix + name, weights);
    return linked(entry, chain);
  });
  checkNames(config, model.name);
}

/** The entries of a chain: the first is called as the old layer was, each other once for each call before it. */
function linked(old: LayerEntry, chain: readonly NewLayer[]): LayerEntry[] {
  return chain.map(({ name, className, config }, i): LayerEntry => {
    const start: serialization.ConfigDict = {};
    for (const key of ['batchInputShape', 'dtype'] as const) {
      const value = old.config[key];
      if (i === 0 && value !== undefined) start[key] = value;
    }
    const entry: LayerEntry = {
      ...(old.name !== undefined && { name }),
      className,
      config: { ...start, ...config, name },
    };
    if (old.inboundNodes === undefined) return entry;
    const before = chain[i - 1]?.name;
    return {
      ...entry,
      inboundNodes: old.inboundNodes.map((call, c) => (before === undefined ? call : [[before, c, 0, {}]])),
    };
  });
}

function checkNames(config: ModelConfig, model: string): void {
  const names = config.layers.map((entry) => entry.name ?? (entry.config['name'] as string));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new ArgumentError(
    `replaceLayers: ${model} would have two layers named "${twice}". Give the layers of the chain other names.`,
  );
}
