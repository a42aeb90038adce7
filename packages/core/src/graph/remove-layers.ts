import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, NothingChangedError, UnsupportedModelError } from '../errors.ts';
import type { Layer } from './layer-rules.ts';
import { configOf, rebuild, type LayerEntry, type ModelConfig } from './rebuild.ts';
import { parametersOf, type LayerChange, type RemovalResult } from './remove-channels.ts';
import { isModel } from './trace.ts';

/**
 * Removes whole layers: what is removed becomes the identity, so it must return the shape that it takes.
 *
 * Layers that are connected go as one piece with one tensor in. A residual branch may be given with or without
 * its addition: where a removed branch and its own shortcut meet in an Add, the branch contributes 0, and an
 * Add with one input left is removed too.
 *
 * @param model Not changed. Names, weights and settings of the other layers stay; the result is not compiled.
 * @param names Names of layers of the model itself; a nested model can go as a whole.
 * @throws ArgumentError for a name that the model does not have, or if no layer would be left.
 * @throws UnsupportedModelError where shapes disagree, or where removed layers mix several tensors.
 * @throws NothingChangedError if `names` is empty.
 *
 * @example
 * const { model: shallower } = await removeLayers(resnet, ['conv2a', 'bn2a', 'relu2a', 'conv2b', 'bn2b']);
 */
export async function removeLayers(model: LayersModel, names: readonly string[]): Promise<RemovalResult> {
  const known = new Map(model.layers.map((layer) => [layer.name, layer]));
  for (const name of names) {
    const layer = known.get(name);
    if (layer === undefined) {
      throw new ArgumentError(
        `removeLayers: ${model.name} has no layer "${name}". Its layers are ${[...known.keys()].join(', ')}.`,
      );
    }
    if (layer.getClassName() === 'InputLayer') {
      throw new ArgumentError(
        `removeLayers: "${name}" is an input of the model and must stay. Leave it out.`,
      );
    }
  }
  if (names.length === 0) {
    throw new NothingChangedError('removeLayers: no layer is to be removed. Pass at least one name.');
  }
  const config = configOf(model);
  const gone = new Set(names);
  if (config.outputLayers === undefined) shortenSequence(model, config, gone);
  else bridge(model, config, gone);
  const shorter = await rebuild(model, config);
  return { model: shorter, removed: [...gone].map((name) => changeOf(known.get(name)!)) };
}

function shortenSequence(model: LayersModel, config: ModelConfig, gone: ReadonlySet<string>): void {
  const { layers } = model;
  if (layers.every((layer) => gone.has(layer.name))) {
    throw new ArgumentError(`removeLayers: ${model.name} would be left without a layer. Keep at least one.`);
  }
  for (let first = 0; first < layers.length; first++) {
    if (!gone.has(layers[first]!.name)) continue;
    let last = first;
    while (last + 1 < layers.length && gone.has(layers[last + 1]!.name)) last++;
    const run = layers.slice(first, last + 1).map((layer) => layer.name);
    checkShapes(run.join(', '), shapeOf(layers[first]!, 'input'), shapeOf(layers[last]!, 'output'));
    first = last;
  }
  const [start] = config.layers;
  config.layers = config.layers.filter((_, i) => !gone.has(layers[i]!.name));
  const next = config.layers[0]!;
  for (const key of ['batchInputShape', 'dtype'] as const) {
    const value = start!.config[key];
    if (value !== undefined && next !== start && next.className !== 'InputLayer') next.config[key] = value;
  }
}

function shapeOf(layer: Layer, side: 'input' | 'output'): readonly (number | null)[] {
  const node = layer.inboundNodes.at(-1)!;
  return (side === 'input' ? node.inputTensors : node.outputTensors)[0]!.shape;
}

/** One output of one call of a layer, as in `inboundNodes`. */
type Reference = [string, number, number, ...unknown[]];

/** Rewires a functional model around the layers in `gone`; Adds that are left with one input join them. */
function bridge(model: LayersModel, config: ModelConfig, gone: Set<string>): void {
  const entries = new Map(config.layers.map((entry) => [entry.name!, entry]));
  const layers = new Map(model.layers.map((layer) => [layer.name, layer]));

  // A nested model's call 0 is its own graph, not a call of this model.
  const firstCall = (name: string) => (isModel(layers.get(name)!) ? 1 : 0);
  const shape = ([name, call, output]: Reference): readonly (number | null)[] => {
    const nodes = layers
      .get(name)!
      .inboundNodes.filter((_, i) => model.containerNodes.has(`${name}_ib-${i}`));
    return nodes[call - firstCall(name)]!.outputTensors[output]!.shape;
  };
  const inputsOf = ([name, call]: Reference): Reference[] =>
    entries.get(name)!.inboundNodes![call - firstCall(name)]!;
  const resolve = (from: Reference): Reference => {
    const [name] = from;
    if (!gone.has(name)) return from;
    const sources = inputsOf(from).map(resolve);
    const [source] = sources;
    if (sources.some((other) => !sameTensor(other, source!))) {
      throw new UnsupportedModelError(
        `removeLayers: "${name}" joins ${sources.map(([layer]) => layer).join(' and ')}, so removing it leaves no single input to pass on. Remove a piece with one tensor in.`,
      );
    }
    return source!;
  };
  const bypass = <T extends Reference>(from: T): T => {
    const source = resolve(from);
    if (source !== from) checkShapes(from[0], shape(source), shape(from));
    return [...source.slice(0, 3), ...from.slice(3)] as T;
  };

  // Whether walking back from a tensor through removed layers meets another: then that is its shortcut.
  const leadsTo = (from: Reference, to: Reference): boolean =>
    sameTensor(from, to) || (gone.has(from[0]) && inputsOf(from).some((source) => leadsTo(source, to)));

  for (let entry = foldAdd(config, gone, leadsTo); entry; entry = foldAdd(config, gone, leadsTo))
    gone.add(entry.name!);
  config.layers = config.layers.filter((entry) => !gone.has(entry.name!));
  for (const entry of config.layers)
    entry.inboundNodes = entry.inboundNodes?.map((call) => call.map(bypass)) ?? [];
  config.outputLayers = config.outputLayers!.map((output) => bypass(output));
  if (config.outputLayers.some(([name]) => entries.get(name)!.className === 'InputLayer')) {
    throw new ArgumentError(
      `removeLayers: an output of ${model.name} would be its own input. Keep a layer between them.`,
    );
  }
}

/** Drops removed branches from an Add beside their own shortcut; returns an Add that is left with one input. */
function foldAdd(
  config: ModelConfig,
  gone: ReadonlySet<string>,
  leadsTo: (from: Reference, to: Reference) => boolean,
): LayerEntry | undefined {
  for (const entry of config.layers) {
    if (entry.className !== 'Add' || gone.has(entry.name!)) continue;
    const calls = entry.inboundNodes!.map((call) =>
      call.filter(
        (from) => !call.some((other) => other !== from && gone.has(from[0]) && leadsTo(from, other)),
      ),
    );
    if (calls.every((call) => call.length > 1)) {
      entry.inboundNodes = calls;
      continue;
    }
    if (calls.some((call) => call.length > 1)) {
      throw new UnsupportedModelError(
        `removeLayers: the shared Add "${entry.name}" would lose an input in one call only. Use one Add per block.`,
      );
    }
    entry.inboundNodes = calls;
    return entry;
  }
  return undefined;
}

function sameTensor(a: Reference, b: Reference): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2];
}

function checkShapes(
  who: string,
  input: readonly (number | null)[],
  output: readonly (number | null)[],
): void {
  const [takes, returns] = [input, output].map((shape) => `[${shape.slice(1).join(', ')}]`);
  if (takes === returns) return;
  throw new UnsupportedModelError(
    `removeLayers: what is removed must return the shape that it takes, but up to ${who} it takes ${takes} and returns ${returns}. Remove a piece that keeps the shape.`,
  );
}

function changeOf(layer: Layer): LayerChange {
  const width = (side: 'input' | 'output') => ({ before: shapeOf(layer, side).at(-1) ?? 0, after: 0 });
  return {
    layer: layer.name,
    className: layer.getClassName(),
    kind: 'removed',
    inputChannels: width('input'),
    outputChannels: width('output'),
    parameters: { before: parametersOf(layer), after: 0 },
  };
}
