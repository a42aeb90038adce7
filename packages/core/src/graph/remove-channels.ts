import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, NothingChangedError, UnsupportedModelError } from '../errors.ts';
import { traceGroups } from './channel-graph.ts';
import type { Labels } from './channel-classes.ts';
import { weightName, type Layer } from './layer-rules.ts';
import { configOf, forEachEntry, rebuild } from './rebuild.ts';
import { traceModel, type Trace, type TracedLayer } from './trace.ts';
import { keepPositions } from './weight-values.ts';

/** Which channels go: indexes into groups of {@link traceChannels}, by group id. */
export type Removals = ReadonlyMap<string, readonly number[]>;

/** What a removal did to one layer. */
export interface LayerChange {
  /** The layer's name, `outer/inner` for a nested model's layer. */
  readonly layer: string;
  /** The layer's class. */
  readonly className: string;
  /** `removed` where the whole layer is gone. */
  readonly kind: 'resized' | 'removed';
  /** Width of the first input's last axis. */
  readonly inputChannels: { readonly before: number; readonly after: number };
  /** Width of the first output's last axis. */
  readonly outputChannels: { readonly before: number; readonly after: number };
  /** Values of its weights. */
  readonly parameters: { readonly before: number; readonly after: number };
}

/** A new model, owned by the caller, and the layers that differ from the old one's. */
export interface RemovalResult {
  /** The smaller model, not compiled. The caller disposes of it. */
  readonly model: LayersModel;
  /** What changed, layer by layer. */
  readonly removed: readonly LayerChange[];
}

/**
 * Removes channels for good: a new model with smaller layers, whose outputs are those of the old one with the
 * removed channels masked.
 *
 * *Masked* means that a channel contributes 0 to every layer that reads it: {@link maskChannels} builds that
 * model. For an activation with f(0) = 0 it is the same as zeroing the filter, its bias, and the β and γ of
 * the batch normalisation behind it. Names, topology, dtypes, `trainable` flags, initialisers and
 * regularisers stay; like a loaded model, the result is not compiled. Groups marked `approximate` (layer
 * normalisation) are removed too, but there masking and removing differ.
 *
 * @param model Not changed.
 * @param removals Group id → indexes of channels within the group, in any order.
 * @throws ArgumentError for an unknown group, an index out of range or given twice, or when a layer would keep no channel.
 * @throws UnsupportedModelError for a frozen group, with the layer that freezes it.
 * @throws NothingChangedError if no channel is to be removed.
 *
 * @example
 * const { model: smaller, removed } = await removeChannels(model, new Map([['conv2d_1', [0, 3, 7]]]));
 */
export async function removeChannels(model: LayersModel, removals: Removals): Promise<RemovalResult> {
  const trace = traceModel(model);
  const gone = resolveRemovals('removeChannels', trace, removals);
  const kept = (labels: Labels): number[] =>
    [...labels.keys()].filter((i) => !gone.has(trace.classes.find(labels[i]!)));
  for (const traced of trace.layers.values()) checkSomethingStays(traced, kept);

  const config = configOf(model);
  forEachEntry(model, config, (layer, entry) => {
    const traced = trace.layers.get(layer);
    if (traced === undefined) return;
    const { batchInputShape } = entry.config;
    if (Array.isArray(batchInputShape) && traced.inputs[0]) {
      entry.config['batchInputShape'] = [...batchInputShape.slice(0, -1), kept(traced.inputs[0]).length];
    }
    Object.assign(entry.config, traced.resize?.(kept));
  });
  const smaller = await rebuild(model, config, (layer, weight, old) => {
    const axes = trace.layers.get(layer)?.axes.filter((axis) => axis.weight === weightName(weight)) ?? [];
    return axes.reduce((value, { axis, labels }) => keepPositions(value, axis, kept(labels)), old);
  });
  const removed = [...trace.layers.values()].flatMap((traced) => changeOf(traced, kept) ?? []);
  return { model: smaller, removed };
}

/** The classes to remove, checked. */
export function resolveRemovals(who: string, trace: Trace, removals: Removals): Set<number> {
  const groups = new Map(traceGroups(trace).map((traced) => [traced.group.id, traced]));
  const gone = new Set<number>();
  for (const [id, indexes] of removals) {
    const traced = groups.get(id);
    if (traced === undefined) {
      throw new ArgumentError(
        `${who}: there is no group "${id}". The groups of traceChannels are ${[...groups.keys()].join(', ')}.`,
      );
    }
    if (indexes.length === 0) continue;
    const { size, frozen } = traced.group;
    if (frozen !== undefined) {
      throw new UnsupportedModelError(
        `${who}: the channels of group "${id}" must stay: ${frozen}. Leave this group out.`,
      );
    }
    for (const index of indexes) {
      if (!Number.isInteger(index) || index < 0 || index >= size) {
        throw new ArgumentError(
          `${who}: indexes of group "${id}" must be integers in [0, ${size - 1}], got ${index}.`,
        );
      }
      const root = traced.roots[index]!;
      if (gone.has(root))
        throw new ArgumentError(
          `${who}: index ${index} of group "${id}" is given twice. Pass each index once.`,
        );
      gone.add(root);
    }
  }
  if (gone.size === 0) {
    throw new NothingChangedError(
      `${who}: no channel is to be removed. Pass at least one index of one group.`,
    );
  }
  return gone;
}

function checkSomethingStays(
  { path, inputs, output }: TracedLayer,
  kept: (labels: Labels) => number[],
): void {
  for (const labels of [...inputs, output]) {
    if (labels === undefined || labels.length === 0 || kept(labels).length > 0) continue;
    throw new ArgumentError(
      `removeChannels: ${path} would be left without any of its ${labels.length} channels. Keep at least one, or remove the whole branch with removeLayers.`,
    );
  }
}

function changeOf(traced: TracedLayer, kept: (labels: Labels) => number[]): LayerChange | undefined {
  const { layer, path, inputs, output, axes, resize } = traced;
  if (axes.length === 0 && resize === undefined) return undefined; // works on any width
  const width = (labels: Labels | undefined) => ({
    before: labels?.length ?? 0,
    after: labels === undefined ? 0 : kept(labels).length,
  });
  const inputChannels = width(inputs[0]);
  const outputChannels = width(output);
  const parameters = { before: 0, after: 0 };
  for (const weight of layer.weights) {
    const shape = [...weight.shape] as number[];
    parameters.before += product(shape);
    for (const { weight: name, axis, labels } of axes) {
      if (name === weightName(weight)) shape[axis] = kept(labels).length;
    }
    parameters.after += product(shape);
  }
  const same = [inputChannels, outputChannels, parameters].every(({ before, after }) => before === after);
  if (same) return undefined;
  return {
    layer: path,
    className: layer.getClassName(),
    kind: 'resized',
    inputChannels,
    outputChannels,
    parameters,
  };
}

/** The number of values of a layer's weights. */
export function parametersOf(layer: Layer): number {
  return layer.weights.reduce((sum, { shape }) => sum + product(shape as number[]), 0);
}

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
