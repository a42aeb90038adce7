/**
 * Greedy forward selection of the channels of a deep network, layer by layer: each layer is the two-layer network of
 * `greedy-forward-selection.ts`, its channels the neurons (Ye et al. 2020, Section 5).
 *
 * A layer with C channels feeds its readers (1/C) Σ_c φ_c, where φ_c is C times what channel c contributes. Channels are
 * chosen with repetition, u = Σ_c weights_c φ_c; the readers' weights of channel c are then scaled by C·weights_c.
 *
 * Deviations: `reconstruction` (default) measures the readers' outputs before their activation, against those of the network
 * as it stands, from inner products alone, and lets the weights sum to less than 1 (the zero vector is a neuron that costs
 * nothing); `loss` measures the network's loss, as Ye et al. do, at one pass per candidate.
 */
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { clone, dispose, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Progress, Split } from '@ockham/core';
import {
  ArgumentError,
  NothingChangedError,
  UnsupportedModelError,
  checkSplit,
  throwIfAborted,
} from '@ockham/core';
import { textTable } from '@ockham/core/metrics';
import { cloneModel } from '@ockham/core/models';
import { batchRange, lossFunction, type Loss } from '@ockham/core/training';
import { channelGram } from './channel-gram.ts';
import type { ReadGroup } from './channel-reads.ts';
import { readsOf, setGates } from './channel-reads.ts';
import type { GreedyRecord, GreedyResult, GreedyStep, NeuronProducts } from './greedy-forward-selection.ts';
import { selectGreedily } from './greedy-forward-selection.ts';

/** Options of {@link greedyLayerSelection}. Only `layers` is required. */
export interface GreedyLayerOptions {
  /** Channels to keep, at most, by the name of the layer that makes them; an integer, or a fraction in (0, 1). */
  readonly layers: Readonly<Record<string, number>>;
  /** Default `reconstruction`. */
  readonly criterion?: 'reconstruction' | 'loss';
  /** For `reconstruction`. Default `line-search`. `loss` always averages. */
  readonly step?: GreedyStep;
  /** Selections per layer, repetitions counted. Default 4 times the channels to keep. */
  readonly size?: number;
  /** Scale the readers by the selection's weights; false only masks. Default true. */
  readonly rescale?: boolean;
  /** For `loss`. Default `crossEntropy`. */
  readonly loss?: Loss;
  /** Default 32; changes memory, not the result's meaning. */
  readonly batchSize?: number;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** What {@link greedyLayerSelection} would do. Which channels are kept is decided by the examples. */
export interface GreedyLayerPlan {
  /** In the order of selection. */
  readonly layers: readonly {
    readonly layer: string;
    /** The id of its group in `traceChannels`. */
    readonly group: string;
    readonly channels: number;
    /** Channels to keep, at most. */
    readonly keep: number;
    /** Layers that read them. */
    readonly readers: readonly string[];
    /** Selections, and passes over the examples that they take, at most. */
    readonly selections: number;
    readonly passes: number;
  }[];
}

/** What was chosen in one layer. */
export interface LayerSelection {
  /** Path of the layer. */
  readonly layer: string;
  /** The id of its group in `traceChannels`. */
  readonly group: string;
  /** Channels kept, ascending. */
  readonly kept: Int32Array;
  /** The others, ascending. */
  readonly removed: Int32Array;
  /** By which each channel's readers were multiplied; 0 where removed. */
  readonly scales: Float64Array;
  /**
   * Every selection; `loss` is ½ the squared error of the readers' outputs, or the network's loss. Index -1 is the zero vector:
   * all weights shrink.
   */
  readonly history: readonly GreedyRecord[];
  /** ‖u - y‖ / ‖y‖ of the readers' outputs with these scales; only for `reconstruction`. */
  readonly relativeError?: number;
}

/** What {@link greedyLayerSelection} returns. */
export interface GreedyLayerResult {
  /** A masked copy of the same size; the caller owns it. */
  readonly model: LayersModel;
  /** What was chosen, layer by layer. */
  readonly layers: readonly LayerSelection[];
  /** Group id → removed channels, as `removeChannels` of `@ockham/core/graph` takes it. */
  readonly removals: ReadonlyMap<string, readonly number[]>;
}

/**
 * Chooses which channels of the named layers to keep, first layer first, each on the network that the former ones left.
 *
 * @param model Not changed.
 * @param data Examples to measure on; a few hundred are enough.
 * @param options With `dryRun: true` nothing is measured and the {@link GreedyLayerPlan} is returned.
 *
 * @example
 * const { model: masked, removals } = await greedyLayerSelection(model, takeExamples(data.train, 256), { layers: { conv2: 32 } });
 * const { model: smaller } = await removeChannels(masked, removals);
 *
 * @throws ArgumentError for an unknown layer or a count out of range, UnsupportedModelError where channels cannot be traced,
 *   NothingChangedError when every channel was kept as it was.
 */
export async function greedyLayerSelection(
  model: LayersModel,
  data: Split,
  options: GreedyLayerOptions & { readonly dryRun: true },
): Promise<GreedyLayerPlan>;
export async function greedyLayerSelection(
  model: LayersModel,
  data: Split,
  options: GreedyLayerOptions & { readonly dryRun?: false },
): Promise<GreedyLayerResult>;
export async function greedyLayerSelection(
  model: LayersModel,
  data: Split,
  options: GreedyLayerOptions & { readonly dryRun?: boolean },
): Promise<GreedyLayerResult | GreedyLayerPlan> {
  const who = 'greedyLayerSelection';
  const { layers, progress, signal, criterion = 'reconstruction' } = options;
  checkSplit(who, data);
  if (criterion !== 'reconstruction' && criterion !== 'loss') {
    throw new ArgumentError(
      `${who}: criterion must be 'reconstruction' or 'loss', got '${String(criterion)}'.`,
    );
  }
  const names = Object.keys(layers);
  if (names.length === 0)
    throw new ArgumentError(`${who}: layers must name at least one layer, for example { conv2: 32 }.`);
  const plan = names
    .map((name) => {
      const target = readsOf(who, model, name);
      return { name, keep: keepOf(who, name, layers[name]!, target.group.size), target };
    })
    .sort((a, b) => depthOf(model, a.name) - depthOf(model, b.name));
  if (options.dryRun) {
    return {
      layers: plan.map(({ name, keep, target: { group, reads } }) => {
        const selections = options.size ?? 4 * keep;
        return {
          layer: name,
          group: group.id,
          channels: group.size,
          keep,
          readers: [...new Set(reads.map(({ layer }) => layer.name))],
          selections,
          passes: criterion === 'loss' ? selections * group.size : 1, // at most: a full choice drops candidates
        };
      }),
    };
  }

  const copy = await cloneModel(model);
  const selections: LayerSelection[] = [];
  try {
    for (const [i, { name, keep }] of plan.entries()) {
      throwIfAborted(signal, who);
      progress?.({ stage: `select ${name}`, done: i, total: plan.length });
      selections.push(await selectLayer(who, copy, data, name, keep, options));
    }
    if (selections.every(({ scales }) => scales.every((scale) => scale === 1))) {
      throw new NothingChangedError(
        `${who}: every channel was kept as it was. Ask for fewer channels than the layers have.`,
      );
    }
  } catch (error) {
    copy.dispose();
    throw error;
  }
  progress?.({ stage: 'select', done: plan.length, total: plan.length });
  return {
    model: copy,
    layers: selections,
    removals: new Map(selections.map(({ group, removed }) => [group, [...removed]])),
  };
}

async function selectLayer(
  who: string,
  model: LayersModel,
  data: Split,
  layer: string,
  keep: number,
  options: GreedyLayerOptions,
): Promise<LayerSelection> {
  const {
    criterion = 'reconstruction',
    step = 'line-search',
    size = 4 * keep,
    rescale = true,
    batchSize = 32,
    signal,
  } = options;
  const target = readsOf(who, model, layer);
  const C = target.group.size;
  const original = target.reads.map(({ variable }) => clone(variable));
  try {
    let gram: Float64Array | undefined;
    let result: GreedyResult;
    if (criterion === 'reconstruction') {
      gram = await channelGram(who, model, target.reads, data, { batchSize, signal });
      const products = productsOf(gram, C);
      if (!(products.targetSquare > 0)) {
        throw new UnsupportedModelError(
          `${who}: the channels of ${layer} contribute nothing on these examples. Remove the layer, or pass other data.`,
        );
      }
      result = withoutOrigin(
        selectGreedily(products, { size, step, distinct: keep, ...(signal ? { signal } : {}) }, C),
        C,
      );
    } else {
      result = await selectByLoss(who, model, data, target, original, keep, size, options);
    }
    const scales = result.weights.map((weight) => (weight > 0 ? (rescale ? C * weight : 1) : 0));
    setGates(target.reads, original, scales);
    const kept = result.chosen.slice().sort();
    return {
      layer,
      group: target.group.id,
      kept,
      removed: Int32Array.from(scales.keys()).filter((c) => scales[c] === 0),
      scales,
      history: result.history,
      ...(gram ? { relativeError: errorOf(gram, scales) } : {}),
    };
  } catch (error) {
    setGates(target.reads, original, new Float64Array(C).fill(1));
    throw error;
  } finally {
    dispose(original);
  }
}

/** φ_c = C · contribution_c, φ_C = 0 and y = Σ contribution_c, from the inner products of the contributions. */
function productsOf(gram: Float64Array, C: number): NeuronProducts {
  const entry = (i: number, j: number): number => (i < C && j < C ? C * C * gram[i * C + j]! : 0);
  const each = (f: (i: number) => number): Float64Array =>
    Float64Array.from({ length: C + 1 }, (_, i) => f(i));
  const rowSums = each((i) =>
    gram.subarray(i * C, i < C ? (i + 1) * C : i * C).reduce((sum, v) => sum + v, 0),
  );
  return {
    count: C + 1,
    squares: each((i) => entry(i, i)),
    withTarget: rowSums.map((sum) => C * sum),
    targetSquare: rowSums.reduce((sum, v) => sum + v, 0),
    column: (index) => each((i) => entry(i, index)),
  };
}

/** ‖Σ (1 - s_c)·contribution_c‖ / ‖Σ contribution_c‖. */
function errorOf(gram: Float64Array, scales: Float64Array): number {
  const square = (v: Float64Array): number =>
    v.reduce((sum, a, i) => sum + v.reduce((row, b, j) => row + a * b * gram[i * v.length + j]!, 0), 0);
  const lost = scales.map((s) => 1 - s);
  return Math.sqrt(Math.max(0, square(lost)) / square(scales.map(() => 1)));
}

function withoutOrigin({ chosen, weights, history }: GreedyResult, C: number): GreedyResult {
  return {
    chosen,
    weights: weights.slice(0, C),
    history: history.map((record) => (record.index === C ? { ...record, index: -1 } : record)),
  };
}

/** A plan as an aligned table. */
export function formatGreedyPlan({ layers }: GreedyLayerPlan): string {
  return textTable(
    [
      ['channels of', 'read by', 'now', 'kept', 'selections', 'passes'],
      ...layers.map(({ layer, readers, channels, keep, selections, passes }) => [
        layer,
        readers.join(', '),
        ...[channels, keep, selections, passes].map((n) => n.toLocaleString('en-US')),
      ]),
    ],
    2,
  );
}

/** One pass over the data for every candidate of every selection. */
async function selectByLoss(
  who: string,
  model: LayersModel,
  data: Split,
  { group, reads }: ReadGroup,
  original: readonly Tensor[],
  keep: number,
  size: number,
  { loss = 'crossEntropy', batchSize = 32, signal, progress }: GreedyLayerOptions,
): Promise<GreedyResult> {
  const C = group.size;
  let weights = new Float64Array(C);
  const chosen = new Set<number>();
  const history: GreedyRecord[] = [];
  for (let k = 1; k <= size; k++) {
    let best: GreedyRecord = { index: -1, step: 1 / k, loss: Infinity };
    for (let c = 0; c < C; c++) {
      if (chosen.size >= keep && !chosen.has(c)) continue;
      throwIfAborted(signal, who);
      const trial = averaged(weights, c, k);
      setGates(
        reads,
        original,
        trial.map((weight) => C * weight),
      );
      const value = await meanLoss(model, data, loss, batchSize);
      if (value < best.loss || best.index < 0) best = { index: c, step: 1 / k, loss: value };
    }
    weights = averaged(weights, best.index, k);
    chosen.add(best.index);
    history.push(best);
    progress?.({ stage: `select ${group.id}`, done: k, total: size, metrics: { loss: best.loss } });
  }
  return { chosen: Int32Array.from(chosen), weights, history };
}

/** (1 - 1/k)·weights + e_c/k. */
function averaged(weights: Float64Array, c: number, k: number): Float64Array<ArrayBuffer> {
  return Float64Array.from(weights, (weight, i) => (1 - 1 / k) * weight + (i === c ? 1 / k : 0));
}

async function meanLoss(model: LayersModel, data: Split, loss: Loss, batchSize: number): Promise<number> {
  const lossOf = lossFunction(loss);
  let total = 0;
  for (let from = 0; from < data.size; from += batchSize) {
    const to = Math.min(from + batchSize, data.size);
    const value = tidy(() => {
      const { x, y } = batchRange(data, from, to);
      return lossOf(y, model.apply(x, { training: false }) as Tensor) as Scalar;
    });
    total += (await value.data())[0]! * (to - from);
    value.dispose();
  }
  return total / data.size;
}

function depthOf(model: LayersModel, name: string): number {
  return model.layers.findIndex((layer) => layer.name === name);
}

function keepOf(who: string, name: string, asked: number, size: number): number {
  const keep = asked > 0 && asked < 1 ? Math.max(1, Math.round(asked * size)) : asked;
  if (Number.isInteger(keep) && keep >= 1 && keep <= size) return keep;
  throw new ArgumentError(
    `${who}: ${name} has ${size} channels, keep an integer in [1, ${size}] or a fraction in (0, 1), got ${asked}.`,
  );
}
