/**
 * The model of one rank of a tensor-parallel group (Shoeybi et al. 2019, section 3).
 *
 * Deviations: sizes need not be divisible by the ranks, shares then differ by one unit, head or token.
 */
import { ArgumentError, UnsupportedModelError } from '@ockham/core';
import { shareOf } from '@ockham/core/comm';
import { buildModel, configOf, type LayerEntry, type ModelConfig } from '@ockham/core/graph';
import { variableOf } from '@ockham/core/training';
import { slice, tidy, type serialization } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import './dropout-part.ts';
import './marker-layers.ts';
import './vocabulary-part.ts';
import { nodesOf, planSplits, type Split, type SplitPlan } from './plan-splits.ts';

/** Which part of a weight of the whole model a weight of a rank's model is. */
export interface WeightPart {
  /** Name of the layer in the whole model, and the weight's place among that layer's. */
  readonly layer: string;
  /** See {@link WeightPart.layer}. */
  readonly weight: number;
  /** Of the part. */
  readonly shape: readonly number[];
  /** The axis that is cut; none where every rank has the whole. */
  readonly axis?: number;
  /** The part [begin, end) of that axis. */
  readonly begin: number;
  /** Where the part ends, exclusive. */
  readonly end: number;
}

/** A rank's model. */
export interface SplitModel {
  /** Reads what the whole model reads and gives what it gives, once the ranks talk where its marker layers stand. The caller owns it. */
  readonly model: LayersModel;
  /** In the order of `model.weights`. */
  readonly parts: readonly WeightPart[];
  /** How each layer was cut. */
  readonly plan: SplitPlan;
}

/** One call of one layer, as in `inboundNodes`. */
type Call = [string, number, number, serialization.ConfigDict];

/**
 * Cuts a model for one rank of a tensor-parallel group. With one rank it is a copy.
 *
 * @param model Functional or sequential, without nested models. Not changed.
 * @param rank In [0, ranks).
 * @throws UnsupportedModelError where nothing can be split, with the reason for every layer, or a nested model.
 *
 * @example
 * const { model: mine, parts } = splitModel(bert({ preset: 'mini' }), comm.rank, comm.size);
 */
export function splitModel(model: LayersModel, rank: number, ranks: number): SplitModel {
  if (!(Number.isInteger(ranks) && ranks >= 1 && Number.isInteger(rank) && rank >= 0 && rank < ranks))
    throw new ArgumentError(`splitModel: rank must be an integer in [0, ranks), got ${rank} of ${ranks}.`);
  const nested = model.layers.find((layer) => 'layers' in layer);
  if (nested)
    throw new UnsupportedModelError(
      `splitModel: a model within a model cannot be split, but ${nested.name} is one. Build the model from its layers.`,
    );
  const plan: SplitPlan = ranks === 1 ? { splits: new Map(), whole: new Map() } : planSplits(model, ranks);
  if (ranks > 1 && plan.splits.size === 0)
    throw new UnsupportedModelError(
      `splitModel: no layer of ${model.name} can be split on ${ranks} ranks${[...plan.whole].map(([name, why]) => `; ${name}: ${why}`).join('')}. Use fewer tensor-parallel ranks.`,
    );
  const config = functional(model, configOf(model));
  const edit = new Edit(model, config, rank, ranks);
  for (const entry of [...config.layers]) {
    const split = plan.splits.get(nameOf(entry));
    if (split) edit.split(entry, split);
  }
  const built = buildModel(asFunctional(model), config, 'splitModel');
  const parts = copyParts(model, built, plan, rank, ranks);
  return { model: built, parts, plan };
}

const nameOf = (entry: LayerEntry): string => entry.name ?? (entry.config['name'] as string);

/** A sequential model's config as that of a functional one. */
function functional(model: LayersModel, config: ModelConfig): ModelConfig {
  if (config.layers.every(({ inboundNodes }) => inboundNodes !== undefined)) return config;
  const input: LayerEntry = {
    name: 'split/input',
    className: 'InputLayer',
    config: {
      name: 'split/input',
      batchInputShape: [...model.inputs[0]!.shape],
      dtype: model.inputs[0]!.dtype,
      sparse: false,
    },
    inboundNodes: [],
  };
  const own = config.layers.filter(({ className }) => className !== 'InputLayer');
  const layers = own.map((entry, i): LayerEntry => {
    const { batchInputShape: _, ...rest } = entry.config;
    const before: Call = [i === 0 ? 'split/input' : nameOf(own[i - 1]!), 0, 0, {}];
    return { ...entry, name: nameOf(entry), config: rest, inboundNodes: [[before]] };
  });
  return {
    name: config.name,
    layers: [input, ...layers],
    inputLayers: [['split/input', 0, 0]],
    outputLayers: [[nameOf(own.at(-1)!), 0, 0]],
  };
}

/** `buildModel` takes the class from a model: that of a functional one. */
function asFunctional(model: LayersModel): LayersModel {
  const own = model.constructor;
  const kind: unknown = model.getClassName() === 'Sequential' ? Object.getPrototypeOf(own) : own;
  return { constructor: kind, name: model.name } as unknown as LayersModel;
}

/** Edits the config of the whole model into that of a rank. */
class Edit {
  readonly config: ModelConfig;
  readonly rank: number;
  readonly share: (length: number) => readonly [number, number];
  /** Axes of what a call of a layer reads, the batch counted. */
  readonly inputRank: (name: string, call: number) => number;

  constructor(model: LayersModel, config: ModelConfig, rank: number, ranks: number) {
    this.config = config;
    this.inputRank = (name, call) =>
      nodesOf(model, model.getLayer(name))[call]!.inputTensors[0]!.shape.length;
    this.rank = rank;
    this.share = (length) => shareOf(length, rank, ranks);
  }

  split(entry: LayerEntry, split: Split): void {
    const name = nameOf(entry);
    switch (split.kind) {
      case 'column': {
        const [begin, end] = this.share((entry.config['units'] as number) / split.unit);
        entry.config = { ...entry.config, units: (end - begin) * split.unit };
        this.copyBefore(entry, 0);
        return;
      }
      case 'row': {
        const { useBias, activation } = entry.config as { useBias: boolean; activation: string };
        entry.config = { ...entry.config, useBias: false, activation: 'linear' };
        const chain = [layerEntry(`${name}/reduce`, 'ReduceFromRanks')];
        if (useBias) chain.push(layerEntry(`${name}/bias`, 'OutputBias'));
        if (activation !== 'linear')
          chain.push(layerEntry(`${name}/activation`, 'Activation', { activation }));
        this.after(name, 0, chain);
        return;
      }
      case 'heads': {
        const [begin, end] = this.share(split.heads);
        entry.config = { ...entry.config, heads: end - begin };
        return;
      }
      case 'dropout': {
        const { rate } = entry.config as { rate: number };
        this.replace(entry, { ...entry, className: 'DropoutPart', config: { name, rate, part: this.rank } });
        return;
      }
      case 'vocabulary': {
        const [begin, end] = this.share(split.tokens);
        const { outputDim } = entry.config as { outputDim: number };
        this.replace(entry, {
          ...entry,
          className: 'VocabularyPart',
          config: { name, begin, inputDim: end - begin, outputDim },
        });
        for (const call of entry.inboundNodes!.keys())
          if (this.inputRank(name, call) === 3) {
            this.copyBefore(this.entry(name), call);
            const biased = this.readers(name, call).find(({ className }) => className === 'OutputBias');
            const gather = layerEntry(`${name}/gather`, 'GatherFromRanks', { width: split.tokens });
            if (biased) this.after(nameOf(biased), 0, [gather]);
            else this.after(name, call, [gather]);
          } else this.after(name, call, [layerEntry(`${name}/reduce`, 'ReduceFromRanks')]);
        return;
      }
      case 'vocabulary-bias': // its width follows from what it reads
    }
  }

  entry(name: string): LayerEntry {
    return this.config.layers.find((entry) => nameOf(entry) === name)!;
  }

  replace(entry: LayerEntry, other: LayerEntry): void {
    this.config.layers[this.config.layers.indexOf(entry)] = other;
  }

  readers(name: string, call: number): LayerEntry[] {
    return this.config.layers.filter((entry) =>
      entry.inboundNodes!.some((inputs) => inputs.some((input) => input[0] === name && input[1] === call)),
    );
  }

  /** Puts a marker before one call of a layer; layers that read the same tensor share it, so that its gradient travels once. */
  copyBefore(entry: LayerEntry, call: number): void {
    const inputs = entry.inboundNodes![call]!;
    const [source, node, output] = inputs[0]!;
    const name = `${source}/copy${node || output ? `_${node}_${output}` : ''}`;
    if (!this.config.layers.some((other) => nameOf(other) === name)) {
      const marker = {
        ...layerEntry(name, 'CopyToRanks'),
        inboundNodes: [[[source, node, output, {}] as Call]],
      };
      this.config.layers.splice(this.config.layers.indexOf(entry), 0, marker);
    }
    inputs[0] = [name, 0, 0, {}];
  }

  /** Puts a chain after one call of a layer: whoever read that call reads the end of the chain. */
  after(name: string, call: number, chain: LayerEntry[]): void {
    const last = nameOf(chain.at(-1)!);
    const moved = <T extends readonly [string, number, number, ...unknown[]]>(read: T): T =>
      (read[0] === name && read[1] === call ? [last, 0, 0, ...read.slice(3)] : read) as T;
    for (const entry of this.config.layers)
      entry.inboundNodes = entry.inboundNodes!.map((inputs) => inputs.map(moved));
    this.config.outputLayers = this.config.outputLayers!.map(moved);
    let before: Call = [name, call, 0, {}];
    for (const entry of chain) {
      entry.inboundNodes = [[before]];
      before = [nameOf(entry), 0, 0, {}];
    }
    const at = this.config.layers.findIndex((entry) => nameOf(entry) === name);
    this.config.layers.splice(at + 1, 0, ...chain);
  }
}

function layerEntry(name: string, className: string, config: serialization.ConfigDict = {}): LayerEntry {
  return { name, className, config: { ...config, name }, inboundNodes: [] };
}

/** Copies the rank's part of every weight, and says which it is. */
function copyParts(
  from: LayersModel,
  to: LayersModel,
  { splits }: SplitPlan,
  rank: number,
  ranks: number,
): WeightPart[] {
  const sources = new Map(from.layers.map((layer) => [layer.name, layer]));
  const parts: WeightPart[] = [];
  for (const target of to.layers)
    for (const [i, weight] of target.weights.entries()) {
      const moved = !sources.has(target.name) && target.getClassName() === 'OutputBias'; // the bias of a row
      const layer = moved ? target.name.replace(/\/bias$/, '') : target.name;
      const index = moved ? 1 : i;
      const original = sources.get(layer)!.weights[index]!;
      const shape = original.shape as number[];
      const cut = moved ? undefined : cutOf(splits.get(layer), index, shape);
      const [begin, end] = cut ? shareOf(shape[cut.axis]! / cut.unit, rank, ranks) : [0, 0];
      const part: WeightPart = cut
        ? { layer, weight: index, shape, axis: cut.axis, begin: begin * cut.unit, end: end * cut.unit }
        : { layer, weight: index, shape, begin: 0, end: shape[0] ?? 1 };
      tidy(() => void weight.write(partOf(original, part)));
      weight.trainable = original.trainable;
      parts.push(part);
    }
  return parts;
}

function partOf(
  weight: LayersModel['weights'][number],
  { axis, begin, end, shape }: WeightPart,
): ReturnType<typeof weight.read> {
  if (axis === undefined) return weight.read();
  const starts = shape.map((_, a) => (a === axis ? begin : 0));
  return slice(
    weight.read(),
    starts,
    shape.map((d, a) => (a === axis ? end - begin : d)),
  );
}

/** The axis of a weight that is cut, and in what units. */
function cutOf(
  split: Split | undefined,
  weight: number,
  shape: readonly number[],
): { axis: number; unit: number } | undefined {
  switch (split?.kind) {
    case 'column':
      return { axis: shape.length - 1, unit: split.unit };
    case 'row':
      return weight === 0 ? { axis: 0, unit: split.unit } : undefined;
    case 'vocabulary':
    case 'vocabulary-bias':
      return { axis: 0, unit: 1 };
    default:
      return undefined;
  }
}

/** Disposes of a rank's model with all its variables; TensorFlow.js forgets those of layers that are called twice. */
export function disposeModel(model: LayersModel): void {
  const variables = new Set(model.layers.flatMap((layer) => layer.weights.map(variableOf)));
  model.dispose();
  for (const variable of variables) if (!variable.isDisposed) variable.dispose();
}
