import { dispose, ones, randomNormal, tidy, zeros, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, throwIfAborted } from '../errors.ts';
import { checkModel } from '../models/check-model.ts';
import { awaitedCallsToTime, clockStep } from './clock.ts';
import { median, quantile } from './statistics.ts';

/** Options of {@link measureLatency} and {@link compareLatency}. */
export interface LatencyOptions {
  /** Batch sizes. Default `[1, 32, 128]`. */
  readonly batch?: readonly number[];
  /** Timed passes for each model and batch size, ≥ 1. Default 30. */
  readonly repeats?: number;
  /** Untimed passes before them, ≥ 0. Default 5. */
  readonly warmup?: number;
  /**
   * Milliseconds after which no further pass is started, for each batch size, once there are five (for the
   * untimed ones: one). Default 3000 times the number of models.
   */
  readonly budget?: number;
  /** Shape of one example, where the model leaves sizes open. Default the model's own. */
  readonly inputShape?: readonly number[];
  /** Makes the inputs of a batch, for models that do not take any number, such as indexes. Default normal noise. */
  readonly inputs?: (batch: number) => Tensor | Tensor[];
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/**
 * Times of one forward pass of a batch, in milliseconds, until its values are on the host. Where the clock is too coarse for one, in a
 * page that is not cross-origin isolated, each is the mean of as many as it takes.
 */
export interface Latency {
  /** Examples of the batch. */
  readonly batch: number;
  /** Median, in milliseconds. */
  readonly median: number;
  /** First and third quartile. */
  readonly quartiles: readonly [number, number];
  /** Third minus first quartile. */
  readonly spread: number;
  /** Passes that were timed, warm-up left out. */
  readonly repeats: number;
}

/** One batch size of {@link compareLatency}. */
export interface LatencyComparison {
  /** Examples of the batch. */
  readonly batch: number;
  /** The times of each model, by its name. */
  readonly latencies: Readonly<Record<string, Latency>>;
  /** Median of the first model over the median of each: 2 is twice as fast as the first. */
  readonly speedup: Readonly<Record<string, number>>;
}

/** A clock of this step or a larger one, in milliseconds, cannot time one pass of a small model. */
const COARSE = 0.01;

/** A pass was timed this often before the budget may stop it. */
const LEAST_REPEATS = 5;

/**
 * Median and spread of a model's inference time for each batch size, warm, values awaited.
 *
 * @throws ArgumentError for options out of range or a model whose input size is open.
 * @throws AbortedError when the signal fires.
 *
 * @example
 * const [single] = await measureLatency(model, { batch: [1] });
 */
export async function measureLatency(model: LayersModel, options: LatencyOptions = {}): Promise<Latency[]> {
  const rows = await timeAll('measureLatency', { model }, options);
  return rows.map(({ latencies }) => latencies['model']!);
}

/**
 * Times models in turns, A B A B …, so that a machine that slows down slows them all, and gives ratios of
 * medians. The ratio is the figure to report; milliseconds are those of this machine at this moment.
 *
 * @param models By name; the first is what the others are compared with.
 * @throws As {@link measureLatency}.
 *
 * @example
 * const [row] = await compareLatency({ dense, pruned }, { batch: [32] });
 * row.speedup.pruned;
 */
export async function compareLatency(
  models: Readonly<Record<string, LayersModel>>,
  options: LatencyOptions = {},
): Promise<LatencyComparison[]> {
  return timeAll('compareLatency', models, options);
}

async function timeAll(
  who: string,
  models: Readonly<Record<string, LayersModel>>,
  options: LatencyOptions,
): Promise<LatencyComparison[]> {
  const names = Object.keys(models);
  const {
    batch: batches = [1, 32, 128],
    repeats = 30,
    warmup = 5,
    budget = 3000 * names.length,
    signal,
  } = options;
  check(who, models, { batches, repeats, warmup, budget });
  const inTurns = async (passes: number, least: number, pass: () => Promise<void>): Promise<void> => {
    const start = performance.now();
    for (let done = 0; done < passes; done++) {
      throwIfAborted(signal, who);
      if (done >= least && performance.now() - start > budget) return;
      await pass();
    }
  };
  const step = clockStep();
  const rows: LatencyComparison[] = [];
  for (const batch of batches) {
    const inputs = names.map((name) => makeInputs(who, models[name]!, batch, options));
    try {
      const times = names.map((): number[] => []);
      const each = async (): Promise<void> => {
        for (const [i, name] of names.entries()) await forward(models[name]!, inputs[i]!, 1);
      };
      await inTurns(warmup, 1, each);
      const calls = step < COARSE ? 1 : await awaitedCallsToTime(each, names.length * step);
      await inTurns(repeats, LEAST_REPEATS, async () => {
        for (const [i, name] of names.entries())
          times[i]!.push(await forward(models[name]!, inputs[i]!, calls));
      });
      rows.push(compare(batch, names, times));
    } finally {
      dispose(inputs);
    }
  }
  return rows;
}

/** Milliseconds of a forward pass, the mean of `calls`. */
async function forward(model: LayersModel, inputs: Tensor[], calls: number): Promise<number> {
  const all: Tensor[] = [];
  const start = performance.now();
  for (let call = 0; call < calls; call++) {
    const outputs = tidy(() => {
      const results = model.apply(inputs.length === 1 ? inputs[0]! : inputs, { training: false });
      return [results as Tensor | Tensor[]].flat();
    });
    all.push(...outputs);
    await Promise.all(outputs.map((output) => output.data()));
  }
  const elapsed = performance.now() - start;
  dispose(all);
  return elapsed / calls;
}

function compare(batch: number, names: readonly string[], times: readonly number[][]): LatencyComparison {
  const latencies: Record<string, Latency> = {};
  for (const [i, name] of names.entries()) {
    const quartiles: [number, number] = [quantile(times[i]!, 0.25), quantile(times[i]!, 0.75)];
    latencies[name] = {
      batch,
      median: median(times[i]!),
      quartiles,
      spread: quartiles[1] - quartiles[0],
      repeats: times[i]!.length,
    };
  }
  const first = latencies[names[0]!]!.median;
  const speedup = Object.fromEntries(names.map((name) => [name, first / latencies[name]!.median]));
  return { batch, latencies, speedup };
}

function makeInputs(who: string, model: LayersModel, batch: number, options: LatencyOptions): Tensor[] {
  if (options.inputs) return [options.inputs(batch)].flat();
  return model.inputs.map((input) => {
    const shape = options.inputShape ?? input.shape.slice(1);
    if (shape.some((size) => size === null)) {
      throw new ArgumentError(
        `${who}: the input ${input.name} of ${model.name} has open sizes [${shape.map((size) => size ?? '?').join(', ')}]. Pass inputShape.`,
      );
    }
    const full = [batch, ...(shape as number[])];
    if (input.dtype === 'bool') return ones(full, 'bool');
    return input.dtype === 'int32' ? zeros(full, 'int32') : randomNormal(full, 0, 1, 'float32', 1);
  });
}

function check(
  who: string,
  models: Readonly<Record<string, LayersModel>>,
  { batches, ...numbers }: { batches: readonly number[]; repeats: number; warmup: number; budget: number },
): void {
  if (Object.keys(models).length === 0)
    throw new ArgumentError(`${who}: needs at least one model, got none.`);
  for (const model of Object.values(models)) checkModel(who, model);
  if (batches.length === 0 || batches.some((size) => !Number.isInteger(size) || size < 1)) {
    throw new ArgumentError(`${who}: batch must list integers ≥ 1, got [${batches.join(', ')}].`);
  }
  const { repeats, warmup, budget } = numbers;
  if (!Number.isInteger(repeats) || repeats < 1) {
    throw new ArgumentError(`${who}: repeats must be an integer ≥ 1, got ${repeats}.`);
  }
  if (!Number.isInteger(warmup) || warmup < 0) {
    throw new ArgumentError(`${who}: warmup must be an integer ≥ 0, got ${warmup}.`);
  }
  if (!(budget > 0)) throw new ArgumentError(`${who}: budget must be positive milliseconds, got ${budget}.`);
}
