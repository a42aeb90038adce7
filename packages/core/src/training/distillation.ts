import {
  add,
  cast,
  clipByValue,
  div,
  log,
  logSoftmax,
  mean,
  mul,
  neg,
  reshape,
  slice,
  softmax,
  sum,
  tidy,
  type Tensor,
} from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Split } from '../dataset.ts';
import { ArgumentError, throwIfAborted } from '../errors.ts';
import { batchRange } from './batches.ts';
import { lossFunction } from './losses.ts';
import type { Loss, LossFunction } from './types.ts';

/** Training data whose targets carry a teacher's outputs, and the loss that reads them. */
export interface Distillation {
  /** The inputs, with the teacher's outputs among the targets. */
  readonly data: Split;
  /** Reads those targets; hand it to `train` with them. */
  readonly loss: LossFunction;
}

/** How much is learnt from a teacher's outputs beside the labels (Hinton, Vinyals and Dean 2015). */
export interface DistillOptions {
  /** Share of the soft targets in the loss, in (0, 1]. */
  readonly weight: number;
  /** T, softens both outputs, > 0. Default 2. */
  readonly temperature?: number;
}

/** @throws ArgumentError for an option out of range, or a loss that is not one on class indexes. */
export function checkDistillation(
  who: string,
  { weight, temperature = 2 }: DistillOptions,
  loss: Loss = 'crossEntropy',
): void {
  if (!(weight > 0 && weight <= 1))
    throw new ArgumentError(`${who}: retrain.distill.weight must be in (0, 1], got ${weight}.`);
  if (!(temperature > 0 && Number.isFinite(temperature)))
    throw new ArgumentError(`${who}: retrain.distill.temperature must be a number > 0, got ${temperature}.`);
  if (loss === 'crossEntropy' || loss === 'crossEntropyFromLogits') return;
  throw new ArgumentError(
    `${who}: retrain.distill needs a classifier: retrain.loss must be crossEntropy or crossEntropyFromLogits, got ${typeof loss === 'string' ? loss : 'a function'}.`,
  );
}

/** Keeps the logarithm of a probability finite. */
const EPSILON = 1e-7;

/**
 * Targets `[label, teacher's softened probabilities]` for every example, computed once. The loss is
 * (1 − weight)·L(label) + weight·T²·H(teacher, student), both outputs softened by the temperature T; T² keeps
 * the gradient's size (Hinton, Vinyals and Dean 2015, "Distilling the knowledge in a neural network").
 */
export async function distillationFrom(
  teacher: LayersModel,
  data: Split,
  loss: Loss,
  { weight, temperature = 2 }: DistillOptions,
  signal: AbortSignal | undefined,
): Promise<Distillation> {
  const classes = teacher.outputs[0]!.shape.at(-1)!;
  const scaled = (output: Tensor): Tensor => {
    const logits = loss === 'crossEntropyFromLogits' ? output : log(clipByValue(output, EPSILON, 1));
    return div(logits, temperature);
  };
  const values = new Float32Array(data.size * (classes + 1));
  const batch = 512;
  for (let from = 0; from < data.size; from += batch) {
    throwIfAborted(signal, 'distillation');
    const to = Math.min(from + batch, data.size);
    const soft = tidy(() =>
      softmax(scaled(teacher.apply(batchRange(data, from, to).x, { training: false }) as Tensor)),
    );
    const rows = await soft.data<'float32'>();
    soft.dispose();
    for (let i = from; i < to; i++) {
      values[i * (classes + 1)] = data.y.values[i]!;
      values.set(rows.subarray((i - from) * classes, (i - from + 1) * classes), i * (classes + 1) + 1);
    }
  }
  const hard = lossFunction(loss);
  return {
    data: { ...data, y: { values, shape: [classes + 1] } },
    loss: (target, prediction) => {
      const [size] = target.shape as [number];
      const labels = cast(reshape(slice(target, [0, 0], [size, 1]), [size]), 'int32');
      const soft = slice(target, [0, 1], [size, classes]);
      const distance = neg(mean(sum(mul(soft, logSoftmax(scaled(prediction))), -1)));
      return add(mul(hard(labels, prediction), 1 - weight), mul(distance, weight * temperature ** 2));
    },
  };
}
