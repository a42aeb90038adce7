/** The model before and after, and what each layer has to do with it. */
import { takeExamples, throwIfAborted } from '@ockham/core';
import { packedBytes, type Coding } from '@ockham/core/kernels';
import {
  compareModels,
  describeModels,
  evaluate,
  flopRules,
  residentBytes,
  type FlopRule,
  type LayerCall,
  type ModelComparison,
} from '@ockham/core/metrics';
import { cloneModel } from '@ockham/core/models';
import { layerPaths } from '@ockham/core/graph';
import { batchOf, variableOf } from '@ockham/core/training';
import { tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { sparseAttentionFlopRules } from '../attention/flop-rules.ts';
import { disposeModel } from '../tensor/split-model.ts';
import { encodeCompressed } from './container.ts';
import { floatLayers, type FloatLayer } from './float-layers.ts';
import type { QuantizedLayer } from './layers/quantized-layer.ts';
import { denseRows } from './dense-rows.ts';
import type { CompressData, CompressOptions, CompressReportOptions } from './options.ts';
import { fromRows, toRows } from './quantizable.ts';
import type { PackedLayer } from './quantize-layers.ts';

/** What became of one weight. */
export interface CompressedWeight {
  /** Path of the layer. */
  readonly path: string;
  /** How an entry is written. */
  readonly coding: Coding;
  /** Number of values. */
  readonly values: number;
  /** Packed, scales, zero points and compensation included. */
  readonly bytes: number;
  /** ‖W − Ŵ‖² / ‖W‖². With distillation Ŵ is not meant to be near W but to act like it. */
  readonly error: number;
  /** What the model loses when this layer alone is quantised; absent where it was not measured. */
  readonly sensitivity?: Sensitivity;
}

/** Figures of a model with one layer quantised, minus those of the float model. */
export interface Sensitivity {
  /** Of the mean loss. */
  readonly loss: number;
  /** Absent for real targets. */
  readonly accuracy?: number;
}

/** Bytes before and after. */
export interface ByteRatio {
  /** Bytes before. */
  readonly before: number;
  /** Bytes after. */
  readonly after: number;
  /** before ÷ after. */
  readonly ratio: number;
}

/** What {@link compress} found. */
export interface CompressReport {
  /**
   * The compressed file, header included, against the float32 values of the weights alone: a TensorFlow.js file is larger yet.
   */
  readonly file: ByteRatio;
  /** Weights in memory. */
  readonly resident: ByteRatio;
  /** In the model's order. */
  readonly weights: readonly CompressedWeight[];
  /** The layers that stayed floats, in the model's order. Biases of packed layers stay floats, too. */
  readonly floats: readonly FloatLayer[];
  /**
   * Counts, FLOPs, sizes, median latency at batch 1 and 32, accuracy where there is a test split, and warnings of what did not
   * get better. Sizes in TensorFlow.js' own format are those of the float export. Absent with `report: false`.
   */
  readonly comparison?: ModelComparison;
}

/** FLOPs of layers with packed weights: those of the layers whose place they take, and of a compensation. */
export const quantizedFlopRules: Readonly<Record<string, FlopRule>> = Object.fromEntries(
  Object.entries({
    QuantizedDense: 'Dense',
    QuantizedConv2D: 'Conv2D',
    QuantizedEmbedding: 'Embedding',
    QuantizedTiedEmbedding: 'TiedEmbedding',
    QuantizedPositionEmbedding: 'PositionEmbedding',
  }).map(([name, origin]): [string, FlopRule] => [name, (call) => originCost(call, origin)]),
);

function originCost(call: LayerCall, origin: string): ReturnType<FlopRule> {
  const cost = flopRules[origin]!({ ...call, layer: (call.layer as QuantizedLayer).origin });
  const times = cost.uses?.['kernel'];
  return times === undefined ? cost : { ...cost, uses: { ...cost.uses, down: times, up: times } };
}

/** Measures what {@link CompressReport} says. */
export async function compressReport(
  who: string,
  before: LayersModel,
  after: LayersModel,
  packed: readonly PackedLayer[],
  data: CompressData,
  options: CompressOptions,
): Promise<CompressReport> {
  const { report: wanted = {} } = options;
  const { length: bytes } = await encodeCompressed(after);
  const losses = wanted
    ? await sensitivities(who, before, packed, data, options, wanted.sensitivity ?? 64)
    : [];
  const weights: CompressedWeight[] = [];
  for (const [i, layer] of packed.entries()) {
    const lost = losses[i];
    weights.push({ ...(await describeWeight(layer)), ...(lost && { sensitivity: lost }) });
  }
  return {
    file: ratioOf(4 * before.countParams(), bytes),
    resident: ratioOf(residentBytes(before), residentBytes(after)),
    weights,
    floats: floatLayers(before, new Set(weights.map(({ path }) => path)), options.quantize),
    ...(wanted && { comparison: await compared(before, after, bytes, data, wanted, options) }),
  };
}

async function compared(
  before: LayersModel,
  after: LayersModel,
  compressed: number,
  { train, test }: CompressData,
  { latency = {} }: CompressReportOptions,
  { loss = 'crossEntropy', signal }: CompressOptions,
): Promise<ModelComparison> {
  const inputs = (batch: number) => {
    const { x, y } = batchOf(
      train,
      Int32Array.from({ length: batch }, (_, i) => i % train.size),
    );
    y.dispose();
    return x;
  };
  const measured = { batch: [1, 32], repeats: 10, warmup: 2, inputs, inputShape: train.x.shape };
  const reports = await describeModels(
    { before, after },
    {
      ...(signal && { signal }),
      ...(test && { data: test, evaluate: { loss } }),
      latency: latency && { ...measured, ...latency },
      flopRules: { ...sparseAttentionFlopRules, ...quantizedFlopRules },
    },
  );
  const small = { ...reports['after']!, files: { compressed } };
  return compareModels(reports['before']!, small, { promised: ['smaller-file', 'less-memory'] });
}

function ratioOf(before: number, after: number): ByteRatio {
  return { before, after, ratio: before / after };
}

async function describeWeight({
  weight,
  matrices,
}: PackedLayer): Promise<Omit<CompressedWeight, 'sensitivity'>> {
  const { path, variable, outputs, inputs, rule } = weight;
  const exact = toRows(await variable.data<'float32'>(), outputs, inputs, rule);
  const values = denseRows(matrices, rule.weight);
  let [error, size] = [0, 0];
  for (let i = 0; i < exact.length; i++) {
    error += (exact[i]! - values[i]!) ** 2;
    size += exact[i]! ** 2;
  }
  return {
    path,
    coding: matrices.get(rule.weight)!.coding,
    values: exact.length,
    bytes: [...matrices.values()].reduce((sum, matrix) => sum + packedBytes(matrix), 0),
    error: size === 0 ? 0 : error / size,
  };
}

/** Quantises one layer at a time in a float copy of the model. */
async function sensitivities(
  who: string,
  model: LayersModel,
  packed: readonly PackedLayer[],
  { train, test }: CompressData,
  { loss = 'crossEntropy', progress, signal }: CompressOptions,
  examples: number,
): Promise<Sensitivity[]> {
  if (examples === 0) return [];
  const split = takeExamples(test ?? train, examples);
  const evaluated = { loss, batchSize: 64, ...(signal && { signal }) };
  const copy = await cloneModel(model);
  try {
    const base = await evaluate(copy, split, evaluated);
    const layers = new Map([...layerPaths(copy)].map(([layer, path]) => [path, layer]));
    const found: Sensitivity[] = [];
    for (const [i, { weight, matrices }] of packed.entries()) {
      throwIfAborted(signal, who);
      progress?.({ stage: 'sensitivity', done: i, total: packed.length });
      const { rule, variable } = weight;
      const own = layers
        .get(weight.path)!
        .weights.find(({ originalName }) => originalName.endsWith(`/${rule.weight}`))!;
      const { shape, values } = fromRows(denseRows(matrices, rule.weight), variable.shape, rule);
      tidy(() => variableOf(own).assign(tensor(values, [...shape])));
      const figures = await evaluate(copy, split, evaluated);
      tidy(() => variableOf(own).assign(variable.clone()));
      const accuracy = figures.accuracy - base.accuracy;
      found.push({ loss: figures.loss - base.loss, ...(Number.isNaN(accuracy) ? {} : { accuracy }) });
    }
    return found;
  } finally {
    disposeModel(copy);
  }
}
