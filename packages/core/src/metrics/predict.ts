import { tidy, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Split } from '../dataset.ts';
import { ArgumentError, NonFiniteError, throwIfAborted } from '../errors.ts';
import { checkModel } from '../models/check-model.ts';
import { batchRange } from '../training/batches.ts';
import { checkFit } from '../training/check-fit.ts';

/** Options of what runs a model over a split: `evaluate`, `predictClasses`, `confusion`. */
export interface PredictOptions {
  /** Examples per forward pass, ≥ 1. Default 512. */
  readonly batchSize?: number;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** One batch of predictions on the host. `values` is `[examples, width]`, row-major. */
export interface PredictedBatch {
  /** Index of the first example. */
  readonly from: number;
  readonly examples: number;
  readonly width: number;
  readonly values: Float32Array;
  /** What `onDevice` returned, on the host. */
  readonly extra: number | undefined;
}

/**
 * Runs a model over a split in inference mode, batch by batch, and leaks nothing. `onDevice` may compute one
 * number from a batch's tensors; it runs inside a `tidy`.
 *
 * @throws ArgumentError for data that does not fit the model.
 * @throws NonFiniteError naming the first example whose output is NaN or infinite.
 */
export async function* predictBatches(
  who: string,
  model: LayersModel,
  split: Split,
  { batchSize = 512, signal }: PredictOptions,
  onDevice?: (target: Tensor, prediction: Tensor) => Tensor,
): AsyncGenerator<PredictedBatch> {
  checkModel(who, model);
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new ArgumentError(`${who}: batchSize must be an integer ≥ 1, got ${batchSize}.`);
  }
  checkFit(who, model, split);
  for (let from = 0; from < split.size; from += batchSize) {
    throwIfAborted(signal, who);
    const examples = Math.min(batchSize, split.size - from);
    const [prediction, extra] = forward(model, split, from, examples, onDevice);
    try {
      const values = (await prediction.data()) as Float32Array;
      const width = values.length / examples;
      const bad = values.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        throw new NonFiniteError(
          `${who}: the model's output is ${values[bad]} for example ${from + Math.floor(bad / width)}. Check its weights: a training that diverged leaves such values.`,
        );
      }
      yield { from, examples, width, values, extra: extra && (await extra.data())[0]! };
    } finally {
      prediction.dispose();
      extra?.dispose();
    }
  }
}

function forward(
  model: LayersModel,
  split: Split,
  from: number,
  examples: number,
  onDevice: ((target: Tensor, prediction: Tensor) => Tensor) | undefined,
): [prediction: Tensor, extra: Tensor | undefined] {
  const results = tidy(() => {
    const { x, y } = batchRange(split, from, from + examples);
    const prediction = model.apply(x, { training: false }) as Tensor;
    return onDevice ? [prediction, onDevice(y, prediction)] : [prediction];
  });
  return [results[0]!, results[1]];
}
