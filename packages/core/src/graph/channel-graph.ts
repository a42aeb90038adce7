import type { LayersModel } from '@tensorflow/tfjs-layers';
import { UnsupportedModelError } from '../errors.ts';
import { weightName, type AxisRole, type TracedAxis } from './layer-rules.ts';
import { traceModel, type Trace, type TracedLayer } from './trace.ts';

/** Where the channels of a group sit on one axis of one weight. */
export interface ChannelSlice {
  /** The layer's name, `outer/inner` for a nested model's layer. */
  readonly layer: string;
  /** Last part of the weight's name: `kernel`, `bias`, `gamma`, … */
  readonly weight: string;
  /** The axis of the weight, from 0. */
  readonly axis: number;
  /**
   * `output`: the weight makes the channels; `input`: it reads them; `follow`: it belongs to them on their way
   * (batch normalisation, a depthwise kernel).
   */
  readonly role: AxisRole;
  /** `positions[i]` are the places of channel `i` of the group: several, for example, behind a flatten. */
  readonly positions: readonly (readonly number[])[];
}

/** A layer whose output carries the channels of a group. */
export interface ChannelCarrier {
  /** The layer's name, `outer/inner` for a nested model's layer. */
  readonly layer: string;
  /** Width of the layer's output. */
  readonly width: number;
  /** How much of that width one channel of the group takes: more than 1 behind a flatten, for example. */
  readonly perChannel: number;
}

/** Channels that are coupled layer by layer: the one at index `i` goes everywhere or nowhere. */
export interface ChannelGroup {
  /** The path of the first layer that makes the channels; a second group of that layer gets `:2`, and so on. */
  readonly id: string;
  /** Number of channels; valid indexes are 0 … size − 1. */
  readonly size: number;
  /** Paths of the layers that make the channels, in the order of computation. */
  readonly producers: readonly string[];
  /** Every place in a weight where these channels sit. */
  readonly slices: readonly ChannelSlice[];
  /** The layers that pass the channels on. */
  readonly carriers: readonly ChannelCarrier[];
  /** Why none of these channels can be removed; `undefined` where they can. */
  readonly frozen: string | undefined;
  /**
   * Why removing is not the same as masking, `undefined` where it is: layer normalisation takes its mean and
   * variance over the channels that remain.
   */
  readonly approximate: string | undefined;
}

/** The coupled output channels of a model, in the order in which they are made. */
export interface ChannelGraph {
  /** The groups, none of which shares a channel with another. */
  readonly groups: readonly ChannelGroup[];
}

/**
 * Finds the groups of channels of a model that can only be removed together.
 *
 * Channels are made by Dense, Conv1D/2D/3D, their transposes, SeparableConv2D and Embedding layers, and followed
 * through activations, normalisation, pooling, padding, depthwise convolutions, flatten and reshape,
 * additions and other element-wise merges (which couple), concatenations, nested models and shared layers. Two
 * channels are coupled when some layer needs both or none; groups collect the couples that touch the same
 * weights, so that a residual stream that grows by zero padding has one group for each width.
 *
 * The model's inputs and outputs stay. A layer of an unknown kind freezes the groups that touch it. A custom
 * layer takes part through {@link ChannelMapped}.
 *
 * @param model Any built `tf.LayersModel`, channels last. It is not changed.
 * @throws UnsupportedModelError if the model has no layer that makes channels.
 *
 * @example
 * for (const group of traceChannels(model).groups) console.log(group.id, group.size, group.frozen ?? 'free');
 */
export function traceChannels(model: LayersModel): ChannelGraph {
  const groups = traceGroups(traceModel(model)).map(({ group }) => group);
  if (groups.length === 0) {
    throw new UnsupportedModelError(
      `traceChannels: the model ${model.name} has no layer that makes channels (Dense, convolution, Embedding). Pass a model with weights.`,
    );
  }
  return { groups };
}

/** A group and, for each of its channels, the class in the trace. */
export interface TracedGroup {
  readonly group: ChannelGroup;
  readonly roots: readonly number[];
}

interface Place {
  readonly layer: TracedLayer;
  readonly axis: TracedAxis;
}

/** Collects the classes of a trace that have the same places, remarks included, into groups. */
export function traceGroups(trace: Trace): TracedGroup[] {
  const { classes } = trace;
  const places = placesOf(trace);
  const carried = carriersOf(trace);
  const touched = new Map<number, Map<number, number[]>>(); // class → place → positions
  for (const [p, { axis }] of places.entries()) {
    for (const [position, label] of axis.labels.entries()) {
      const root = classes.find(label);
      const at = touched.get(root) ?? new Map<number, number[]>();
      touched.set(root, at);
      const positions = at.get(p);
      if (positions) positions.push(position);
      else at.set(p, [position]);
    }
  }
  const alike = new Map<string, number[]>();
  for (const [root, at] of touched) {
    if (![...at.keys()].some((p) => places[p]!.axis.role === 'output')) continue;
    const key = JSON.stringify([[...at.keys()], classes.frozen(root), classes.approximate(root)]);
    const roots = alike.get(key);
    if (roots) roots.push(root);
    else alike.set(key, [root]);
  }
  const used = new Map<string, number>();
  return [...alike.values()].map((roots) => {
    const [first] = roots;
    const here = [...touched.get(first!)!.keys()];
    const slices = here.map((p): ChannelSlice => {
      const { layer, axis } = places[p]!;
      const positions = roots.map((root) => touched.get(root)!.get(p)!);
      return { layer: layer.path, weight: axis.weight, axis: axis.axis, role: axis.role, positions };
    });
    const producers = [...new Set(slices.filter(({ role }) => role === 'output').map(({ layer }) => layer))];
    const count = (used.get(producers[0]!) ?? 0) + 1;
    used.set(producers[0]!, count);
    const id = count === 1 ? producers[0]! : `${producers[0]}:${count}`;
    const frozen = classes.frozen(first!);
    const carriers = carried(first!);
    const approximate = classes.approximate(first!);
    return { roots, group: { id, size: roots.length, producers, slices, carriers, frozen, approximate } };
  });
}

/** Finds the layers whose output carries the channels of a class. */
function carriersOf({ classes, layers }: Trace): (root: number) => ChannelCarrier[] {
  const found = new Map<number, { path: string; width: number; count: number }[]>();
  for (const { path, output } of layers.values()) {
    for (const label of output ?? []) {
      const root = classes.find(label);
      const list = found.get(root) ?? [];
      found.set(root, list);
      if (list.at(-1)?.path === path) list.at(-1)!.count++;
      else list.push({ path, width: output!.length, count: 1 });
    }
  }
  return (root) =>
    (found.get(root) ?? []).map(({ path, width, count }) => ({ layer: path, width, perChannel: count }));
}

/** The traced axes whose weight exists: a layer without bias has no place for one. */
function placesOf(trace: Trace): Place[] {
  return [...trace.layers.values()].flatMap((layer) => {
    const weights = new Set(layer.layer.weights.map(weightName));
    return layer.axes.filter((axis) => weights.has(axis.weight)).map((axis) => ({ layer, axis }));
  });
}
