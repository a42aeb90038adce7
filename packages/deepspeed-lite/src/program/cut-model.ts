/**
 * Cuts a model into blocks, so that what is asynchronous (communication, gathering parameters) happens between them.
 *
 * A block is a run of layer calls in the model's own order. What goes between blocks is the set of tensors that are made before and
 * used after: one in a chain, several where residuals or masks pass by. By default a cut is made where at most one of them has a
 * gradient: between the layers of a chain, the residual units of a ResNet, the halves of a transformer's layer.
 */
import { ArgumentError, UnsupportedModelError } from '@ockham/core';
import { flatLayers, trainableVariables, variableOf, type Layer } from '@ockham/core/training';
import type { Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { callsOf, type LayerCall, type Value } from './calls.ts';
import { markerOf, type Marker } from '../tensor/marker-layers.ts';

/** A run of layer calls. */
export interface Block {
  /** `first…last` of its layers with weights. */
  readonly name: string;
  /** In the order in which they are made. */
  readonly calls: readonly LayerCall[];
  /** Where tensor-parallel ranks talk, a block of one call; see `splitModel`. */
  readonly marker: Marker | undefined;
  /** Trainable variables that no earlier block uses, in the order of use. */
  readonly variables: readonly Variable[];
  /** Trainable variables that an earlier block owns. */
  readonly shared: readonly Variable[];
  /** Variables of its layers that are not trained: moving averages, frozen weights. */
  readonly state: readonly Variable[];
  /** Layers whose regularisers belong to this block: the last one that uses them. */
  readonly regularised: readonly Layer[];
  /** Values from before that it reads. */
  readonly inputs: readonly Value[];
  /** Values that it makes and that are read later, or are the model's outputs. */
  readonly outputs: readonly Value[];
}

/** A model in blocks. */
export interface Program {
  /** The model that was cut; its weights are used, not copied. */
  readonly model: LayersModel;
  /** In the order in which they run. */
  readonly blocks: readonly Block[];
  /** What the model is given. */
  readonly inputs: readonly Value[];
  /** What the model gives. */
  readonly outputs: readonly Value[];
  /** Values that depend on a trainable variable. */
  readonly differentiable: ReadonlySet<Value>;
  /** Number of the last block that reads a value; the number of blocks for the model's outputs. */
  readonly lastUse: ReadonlyMap<Value, number>;
  /** Trainable variables in the order of the blocks, each once. */
  readonly variables: readonly Variable[];
  /** The other variables, in the order of the blocks, each once. */
  readonly state: readonly Variable[];
}

/** Options of {@link cutModel}. */
export interface CutOptions {
  /**
   * `narrow` (default) cuts where at most one tensor with a gradient crosses; `layers` before every layer with weights, whatever
   * crosses; `none` leaves one block.
   */
  readonly at?: 'narrow' | 'layers' | 'none';
  /** A block has at least so many trainable parameters, if the model has. Default 0: as many blocks as can be. */
  readonly minimumParameters?: number;
}

/**
 * Cuts a model into blocks: any graph of layers, nested models and shared layers included.
 *
 * @throws UnsupportedModelError naming the layer that cannot be in a block.
 * @throws ArgumentError for a model without trainable weights, or an option out of range.
 */
export function cutModel(model: LayersModel, options: CutOptions = {}): Program {
  const { at = 'narrow', minimumParameters = 0 } = options;
  if (!['narrow', 'layers', 'none'].includes(at))
    throw new ArgumentError(`cutModel: at must be 'narrow', 'layers' or 'none', got '${at as string}'.`);
  if (!(minimumParameters >= 0))
    throw new ArgumentError(`cutModel: minimumParameters must be ≥ 0, got ${minimumParameters}.`);
  const { calls, inputs, outputs } = callsOf('cutModel', model);
  const trained = new Set(trainableVariables(model));
  if (trained.size === 0)
    throw new ArgumentError('cutModel: the model has no trainable weights. Set `layer.trainable = true` where it should learn.'); // prettier-ignore
  const differentiable = differentiableValues(calls, trained);
  const runs = merge(calls, cuts(calls, outputs, differentiable, at), trained, minimumParameters);

  const lastUse = new Map<Value, number>(outputs.map((value) => [value, runs.length]));
  for (const [i, run] of runs.entries())
    for (const call of run)
      for (const value of call.inputs) lastUse.set(value, Math.max(i, lastUse.get(value) ?? 0));
  const regulariser = new Map<Layer, number>();
  for (const [i, run] of runs.entries()) for (const { layer } of run) regulariser.set(layer, i);

  const owned = new Set<Variable>();
  const blocks = runs.map((run, i): Block => {
    const layers = [...new Set(run.map(({ layer }) => layer))];
    const used = [...new Set(layers.flatMap((layer) => layer.weights.map(variableOf)))];
    const fresh = used.filter((variable) => !owned.has(variable));
    for (const variable of fresh) owned.add(variable);
    const made = new Set(run.flatMap((call) => call.outputs));
    const weighted = layers.filter(({ weights }) => weights.length > 0);
    const [first, last] = [weighted[0] ?? layers[0]!, weighted.at(-1) ?? layers.at(-1)!];
    return {
      name: first === last ? first.name : `${first.name}…${last.name}`,
      calls: run,
      marker: markerOf(run[0]!.layer),
      variables: fresh.filter((variable) => trained.has(variable)),
      shared: used.filter((variable) => trained.has(variable) && !fresh.includes(variable)),
      state: used.filter((variable) => !trained.has(variable)),
      regularised: flatLayers(model).filter(
        (layer) => layers.includes(layer) && regulariser.get(layer) === i,
      ),
      inputs: [...new Set(run.flatMap((call) => call.inputs))].filter((value) => !made.has(value)),
      outputs: [...made].filter((value) => lastUse.get(value)! > i),
    };
  });
  const variables = blocks.flatMap((block) => block.variables);
  const unused = [...trained].find((variable) => !owned.has(variable));
  if (unused)
    throw new UnsupportedModelError(
      `cutModel: the trainable weight ${unused.name} must be used by a layer call that leads to an output, but is not. Set trainable = false on its layer.`,
    );
  const state = [...new Set(blocks.flatMap((block) => block.state))];
  return { model, blocks, inputs, outputs, differentiable, lastUse, variables, state };
}

function differentiableValues(calls: readonly LayerCall[], trained: ReadonlySet<Variable>): Set<Value> {
  const differentiable = new Set<Value>();
  for (const { layer, inputs, outputs } of calls) {
    const learns = layer.weights.some((weight) => trained.has(variableOf(weight)));
    if (learns || inputs.some((value) => differentiable.has(value)))
      for (const value of outputs) differentiable.add(value);
  }
  return differentiable;
}

/** Positions between calls where the model may be cut. */
function cuts(
  calls: readonly LayerCall[],
  results: readonly Value[],
  differentiable: ReadonlySet<Value>,
  at: NonNullable<CutOptions['at']>,
): number[] {
  const positions: number[] = [];
  const last = new Map<Value, number>(results.map((value) => [value, calls.length]));
  for (const [i, { inputs }] of calls.entries())
    for (const value of inputs) last.set(value, Math.max(i, last.get(value) ?? 0));
  const live = new Set<Value>();
  for (const [i, { layer, outputs }] of calls.entries()) {
    const crossing = [...live].filter((value) => last.get(value)! >= i && differentiable.has(value));
    const wanted = { narrow: crossing.length <= 1, layers: layer.weights.length > 0, none: false }[at];
    const marked = [layer, calls[i - 1]?.layer].some((one) => one && markerOf(one));
    if (i > 0 && (wanted || marked)) positions.push(i);
    for (const value of outputs) live.add(value);
  }
  return positions;
}

/** Joins runs of calls until each has the parameters it needs; those without go with the one before. */
function merge(
  calls: readonly LayerCall[],
  positions: readonly number[],
  trained: ReadonlySet<Variable>,
  minimum: number,
): LayerCall[][] {
  const counted = new Set<Variable>();
  const runs: { calls: LayerCall[]; parameters: number }[] = [];
  for (const [i, begin] of [0, ...positions].entries()) {
    const run = calls.slice(begin, positions[i] ?? calls.length);
    let parameters = 0;
    for (const weight of run.flatMap(({ layer }) => layer.weights)) {
      const variable = variableOf(weight);
      if (!trained.has(variable) || counted.has(variable)) continue;
      counted.add(variable);
      parameters += variable.size;
    }
    const former = runs.at(-1);
    const alone = [run, former?.calls ?? []].some(([call]) => call && markerOf(call.layer));
    const learns = run.some(({ layer }) => layer.weights.some((weight) => trained.has(variableOf(weight))));
    if (former && !alone && (!learns || former.parameters < Math.max(1, minimum))) {
      former.calls.push(...run);
      former.parameters += parameters;
    } else runs.push({ calls: run, parameters });
  }
  return runs.map((run) => run.calls);
}
