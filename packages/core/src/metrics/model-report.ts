import { getBackend } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Split } from '../dataset.ts';
import { ArgumentError } from '../errors.ts';
import { countFlops, type FlopCounts } from './count-flops.ts';
import { countParameters, type ParameterCounts } from './count-parameters.ts';
import { evaluate, type EvaluateOptions } from './evaluate.ts';
import type { FlopRule } from './flop-rules.ts';
import { compareLatency, type Latency, type LatencyOptions } from './latency.ts';
import { measureSize } from './measure-size.ts';

/** One layer of a {@link ModelReport}. */
export interface LayerReport {
  /** The layer's name. */
  readonly name: string;
  /** The layer's class. */
  readonly className: string;
  /** All values of the layer. */
  readonly parameters: number;
  /** Values in matrices and filters. */
  readonly kernels: number;
  /** Values that are added after a product. */
  readonly biases: number;
  /** Values that are not 0. */
  readonly nonZeros: number;
  /** Kernel values that are not 0. */
  readonly nonZeroKernels: number;
  /** FLOPs of one example; undefined where the cost is not known. */
  readonly flops: number | undefined;
  /** The same, counting only products with a weight that is not 0. */
  readonly nonZeroFlops: number | undefined;
}

/** Everything that a method of this house says about a model, before or after. Plain data, safe in JSON. */
export interface ModelReport {
  /** The model's name, or the one asked for. */
  readonly name: string;
  /** All values: kernels (both factors of a factorisation), biases, normalisation. */
  readonly parameters: number;
  /** Values in matrices and filters. */
  readonly kernels: number;
  /** Values that are added after a product. */
  readonly biases: number;
  /** Values that are not 0. */
  readonly nonZeros: number;
  /** Kernel values that are not 0. */
  readonly nonZeroKernels: number;
  /** Biases that are not 0. */
  readonly nonZeroBiases: number;
  /** Fraction of kernel values that is zero, in [0, 1]. */
  readonly sparsity: number;
  /** FLOPs of one example; a multiply-accumulate is two. */
  readonly flops: number;
  /** FLOPs left when products with zero weights are skipped. */
  readonly nonZeroFlops: number;
  /** Layers whose FLOPs are not known and not counted. */
  readonly unknownFlops: readonly string[];
  /** On disk in TensorFlow.js' own format. */
  readonly bytes: number;
  /** The same, compressed with gzip. */
  readonly gzipBytes: number;
  /** Weights in the engine's memory. */
  readonly residentBytes: number;
  /** Bytes of files in a method's own format, by name. */
  readonly files: Readonly<Record<string, number>>;
  /** Engine that the latencies were taken on. */
  readonly engine: string;
  /** One entry for each batch size; empty where latency was not asked for. */
  readonly latency: readonly Latency[];
  /** In [0, 1], on `examples` examples; absent without data. */
  readonly accuracy?: number;
  /** Mean loss on `examples` examples; absent without data. */
  readonly loss?: number;
  /** How many examples `accuracy` and `loss` were measured on; absent without data. */
  readonly examples?: number;
  /** One entry for each layer. */
  readonly layers: readonly LayerReport[];
}

/** Options of {@link describeModel}. */
export interface DescribeOptions {
  /** Measures accuracy on this split. Default: no accuracy in the report. */
  readonly data?: Split;
  /** How to evaluate, for example the loss. */
  readonly evaluate?: EvaluateOptions;
  /** `false` leaves latency out. Default: batches of 1, 32 and 128. */
  readonly latency?: LatencyOptions | false;
  /** Sizes of files in a method's own format, for example `{ sparse: bytes.length }`. */
  readonly files?: Readonly<Record<string, number>>;
  /** Rules for layer classes that {@link countFlops} does not know. */
  readonly flopRules?: Readonly<Record<string, FlopRule>>;
  /** Default the model's own name. */
  readonly name?: string;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/**
 * The report on one model: parameters, non-zeros, FLOPs, bytes, latency, accuracy. To compare two models on
 * latency use {@link describeModels}, which times them in turns.
 *
 * @throws ArgumentError for options out of range, data that does not fit or a disposed model.
 * @throws AbortedError when the signal fires.
 *
 * @example
 * const report = await describeModel(model, { data: data.test });
 */
export async function describeModel(model: LayersModel, options: DescribeOptions = {}): Promise<ModelReport> {
  const { name = model.name, files = {}, ...shared } = options;
  const { model: report } = await describeModels({ model }, shared);
  return { ...report!, name, files: checkFiles(files) };
}

/** Options of {@link describeModels}: those that hold for every model. */
export type DescribeModelsOptions = Omit<DescribeOptions, 'name' | 'files'>;

/**
 * The reports on several models, by name, with latencies taken in turns, A B A B …, so that a load on the
 * machine falls on all of them.
 *
 * @throws As {@link describeModel}.
 *
 * @example
 * const { dense, pruned } = await describeModels({ dense: before, pruned: after }, { data: data.test });
 * console.log(formatComparison(compareModels(dense!, pruned!)));
 */
export async function describeModels(
  models: Readonly<Record<string, LayersModel>>,
  options: DescribeModelsOptions = {},
): Promise<Record<string, ModelReport>> {
  const { data, evaluate: evaluation, latency = {}, flopRules, signal } = options;
  const withSignal = signal ? { signal } : {};
  const reports: Record<string, ModelReport> = {};
  for (const [name, model] of Object.entries(models)) {
    const parameters = await countParameters(model);
    const flops = await countFlops(model, flopRules ? { rules: flopRules } : {});
    const { kernels, biases, nonZeros, nonZeroKernels, nonZeroBiases, sparsity } = parameters;
    reports[name] = {
      name,
      parameters: parameters.parameters,
      ...{ kernels, biases, nonZeros, nonZeroKernels, nonZeroBiases, sparsity },
      flops: flops.flops,
      nonZeroFlops: flops.nonZeroFlops,
      unknownFlops: flops.unknown,
      ...(await measureSize(model)),
      files: {},
      engine: getBackend(),
      latency: [],
      ...(data ? await accuracyOf(model, data, { ...withSignal, ...evaluation }) : {}),
      layers: layerReports(parameters, flops),
    };
  }
  if (latency === false) return reports;
  const rows = await compareLatency(models, { ...withSignal, ...latency });
  for (const name of Object.keys(models)) {
    reports[name] = { ...reports[name]!, latency: rows.map(({ latencies }) => latencies[name]!) };
  }
  return reports;
}

async function accuracyOf(
  model: LayersModel,
  data: Split,
  options: EvaluateOptions,
): Promise<Partial<Pick<ModelReport, 'accuracy' | 'loss' | 'examples'>>> {
  const { accuracy, loss, examples } = await evaluate(model, data, options);
  return { ...(Number.isNaN(accuracy) ? {} : { accuracy }), loss, examples };
}

/** Joins the two counts, which both follow the model's layers; FLOP rows without weights come along. */
function layerReports(parameters: ParameterCounts, flops: FlopCounts): LayerReport[] {
  const counted = [...parameters.layers];
  const rows = flops.layers.map(({ name, className, unknown, ...cost }): LayerReport => {
    const at = counted.findIndex((row) => row.name === name && row.className === className);
    const found = at < 0 ? undefined : counted.splice(at, 1)[0];
    return {
      name,
      className,
      parameters: found?.parameters ?? 0,
      kernels: found?.kernels ?? 0,
      biases: found?.biases ?? 0,
      nonZeros: found?.nonZeros ?? 0,
      nonZeroKernels: found?.nonZeroKernels ?? 0,
      flops: unknown === undefined ? cost.flops : undefined,
      nonZeroFlops: unknown === undefined ? cost.nonZeroFlops : undefined,
    };
  });
  return rows;
}

function checkFiles(files: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  for (const [name, bytes] of Object.entries(files)) {
    if (!Number.isInteger(bytes) || bytes < 0) {
      throw new ArgumentError(`describeModel: files.${name} must be a number of bytes, got ${bytes}.`);
    }
  }
  return files;
}
