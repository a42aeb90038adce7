import { ArgumentError, NothingChangedError, type Dataset, type Progress, type Split } from '@ockham/core';
import type { LatencyOptions } from '@ockham/core/metrics';
import { checkFit, type Loss } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { SMALLEST } from './float-layers.ts';
import { checkGrid, type Grid, type GridBits, type GridRange } from './grid.ts';
import { quantizableWeights, type QuantizableWeight } from './quantizable.ts';

/** Data for compression: a `Dataset`, or splits of your own. */
export type CompressData = Dataset | { readonly train: Split; readonly test?: Split };

/** How weights and activations are quantised. */
export interface QuantizeOptions {
  /** Bits of weights, or the name of another grid. */
  readonly weights: GridBits;
  /** Consecutive inputs that share a scale, ≥ 1. Default: one scale for each output, or row of a table. */
  readonly group?: number;
  /** False for a zero point beside each scale. Default true. */
  readonly symmetric?: boolean;
  /**
   * How scales are chosen, see {@link GridRange}. Default `mse` with distillation and `minmax` without: cut-off weights are what
   * outputs lean on, and only a fit makes up for them (ResNet-20, 3 bits, training images: 99 % and 91 %, against 98 % and 78 %).
   */
  readonly range?: GridRange;
  /** 8 rounds the inputs of dense layers and convolutions too. Default `float32`. */
  readonly activations?: 8 | 'float32';
  /**
   * Where the scale of activations comes from: `dynamic`, the default, from each token as it comes; else one for all, from
   * the range of examples: `minmax`, `mse` or a percentile.
   */
  readonly calibration?: 'dynamic' | GridRange;
  /** Other bits for single layers by path, as `quantizableWeights` names them; `float` leaves one alone. */
  readonly layers?: Readonly<Record<string, GridBits | 'float'>>;
  /** Weights of fewer values stay floats: a small head costs little and matters much. Default 1024. */
  readonly smallest?: number;
}

/** What the report measures beside sizes. */
export interface CompressReportOptions {
  /** Default batches of 1 and 32, ten passes each, on training examples; `false` for none. */
  readonly latency?: LatencyOptions | false;
  /**
   * Examples of the test split, or of the training split where there is none, that each layer's sensitivity is measured on; 0
   * for none. Default 64. One pass for each layer.
   */
  readonly sensitivity?: number;
}

/** Options of {@link compress}. */
export interface CompressOptions {
  /** Bits, groups and layers: how weights and activations are rounded. */
  readonly quantize: QuantizeOptions;
  /** Fits each layer's quantised copy to the float layer's outputs on examples. Default false. */
  readonly distill?: boolean;
  /** Rank of the compensation of each dense layer's error (LoRC), in int8. Default 0, none. */
  readonly lowRank?: number;
  /** How the file keeps what is not quantised. Default `float16`, but for values it cannot hold. */
  readonly floats?: 'float16' | 'float32';
  /** Examples of the training split that calibration and distillation see. Default 128, ZeroQuant's order of magnitude. */
  readonly examples?: number;
  /** Of the model, for the figures of the report. Default `crossEntropy`. */
  readonly loss?: Loss;
  /** `false` measures sizes only. */
  readonly report?: CompressReportOptions | false;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** A weight and the grid it goes on. */
export interface PlannedWeight extends QuantizableWeight {
  readonly grid: Grid;
}

/**
 * Checks options and data, and says which weights go where.
 *
 * @throws ArgumentError for what is out of range or does not fit, NothingChangedError where every layer stays as it is.
 */
export function planCompression(
  who: string,
  model: LayersModel,
  data: CompressData,
  options: CompressOptions,
): PlannedWeight[] {
  const {
    quantize,
    lowRank = 0,
    examples = 128,
    floats = 'float16',
    loss = 'crossEntropy',
    report,
  } = options;
  const { weights, group, symmetric = true, layers = {}, smallest = SMALLEST } = quantize;
  const { range = options.distill ? 'mse' : 'minmax' } = quantize;
  const { activations = 'float32', calibration = 'dynamic' } = quantize;
  const gridOf = (bits: GridBits): Grid => {
    const isInteger = typeof bits === 'number';
    const plain = bits === 'ternary' || bits === 'binary';
    return {
      bits,
      symmetric: symmetric || !isInteger,
      granularity: group === undefined ? 'channel' : { group },
      range: plain && typeof range === 'object' ? 'mse' : range,
    };
  };
  checkGrid(`${who}: quantize.weights`, { ...gridOf(weights), symmetric, range });
  if (activations !== 8 && activations !== 'float32')
    throw new ArgumentError(
      `${who}: quantize.activations must be 8 or 'float32', got ${String(activations)}.`,
    );
  if (calibration !== 'dynamic') checkGrid(`${who}: quantize.calibration`, { bits: 8, range: calibration });
  if (floats !== 'float16' && floats !== 'float32')
    throw new ArgumentError(`${who}: floats must be 'float16' or 'float32', got '${String(floats)}'.`);
  checkCount(who, 'lowRank', lowRank, 0);
  checkCount(who, 'examples', examples, 1);
  checkCount(who, 'quantize.smallest', smallest, 0);
  if (report) checkCount(who, 'report.sensitivity', report.sensitivity ?? 64, 0);
  checkFit(who, model, data.train, { loss, name: 'train split' });
  if (data.test) checkFit(who, model, data.test, { loss, name: 'test split' });

  const found = quantizableWeights(model);
  for (const [path, bits] of Object.entries(layers)) {
    if (!found.some((weight) => weight.path === path)) {
      throw new ArgumentError(
        `${who}: quantize.layers names ${path}, which has no weight to quantise. Such layers are ${found.map((weight) => weight.path).join(', ')}.`,
      );
    }
    if (bits !== 'float') checkGrid(`${who}: quantize.layers['${path}']`, gridOf(bits));
  }
  const planned = found.flatMap((weight) => {
    const bits = layers[weight.path] ?? (weight.variable.size < smallest ? 'float' : weights);
    return bits === 'float' ? [] : [{ ...weight, grid: gridOf(bits) }];
  });
  if (planned.length > 0) return planned;
  throw new NothingChangedError(
    `${who}: no weight of ${model.name} would be quantised: it needs a Dense, Conv2D or Embedding layer of ${smallest} values or more. Lower quantize.smallest.`,
  );
}

function checkCount(who: string, name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new ArgumentError(`${who}: ${name} must be an integer ≥ ${least}, got ${value}.`);
}
