/**
 * Quantisation-aware training: the forward pass sees weights, and on request activations, on their grids; the update goes to
 * float32 weights behind them.
 *
 * Paper: sections 3.2.2, 3.2.3 and 3.6.3. Source: Jacob et al. 2018, section 3; gradients straight through (Bengio et al. 2013).
 * Deviations: none; the model is trained by `train`, so that seeds, checkpoints and aborts are those of any training.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Split } from '@ockham/core';
import { checkFit, train, type TrainOptions, type TrainResult } from '@ockham/core/training';
import { learnFrom, type TeacherOptions } from './distil.ts';
import { QuantizedForward, type QuantizedForwardOptions, type QuantizedWeight } from './quantized-forward.ts';

/** Options of {@link trainQuantized}: those of `train`, what is quantised, and a teacher. */
export interface TrainQuantizedOptions extends TrainOptions, QuantizedForwardOptions {
  /** Default: none, the labels alone. */
  readonly distill?: TeacherOptions;
}

/** What {@link trainQuantized} returns. */
export interface TrainQuantizedResult extends TrainResult {
  /** Every matrix that now lies on its grid. */
  readonly layers: readonly QuantizedWeight[];
}

/**
 * Trains a model for weights of few bits, in place. When it returns, the weights lie on their grids, exactly: `quantize` with the
 * same grid codes them without a further loss. When it throws, they are as training left them, in float32.
 *
 * @param model Dense, convolution and embedding layers take part. One input, one output.
 * @throws ArgumentError for options out of range; NothingChangedError where no layer is to be quantised; else as `train`.
 *
 * @example
 * const { layers } = await trainQuantized(student, data.train, {
 *   epochs: 1, weights: { bits: 4, granularity: { group: 64 } }, distill: { teacher },
 * });
 */
export async function trainQuantized(
  model: LayersModel,
  data: Split,
  options: TrainQuantizedOptions,
): Promise<TrainQuantizedResult> {
  const who = 'trainQuantized';
  const { weights, activations, learnedScales, distill, ...training } = options;
  const forward = new QuantizedForward(
    model,
    {
      weights,
      ...(activations !== undefined && { activations }),
      ...(learnedScales !== undefined && { learnedScales }),
    },
    who,
  );
  try {
    return await trainThrough(who, forward, model, data, training, distill);
  } finally {
    forward.remove();
  }
}

/** Trains a model whose forward pass is quantised already, and bakes it. */
export async function trainThrough(
  who: string,
  forward: QuantizedForward,
  model: LayersModel,
  data: Split,
  training: TrainOptions,
  distill: TeacherOptions | undefined,
): Promise<TrainQuantizedResult> {
  const { loss = 'crossEntropy', signal } = training;
  if (!distill) {
    const result = await train(model, data, training);
    return { ...result, layers: await forward.bake() };
  }
  checkFit(who, model, data, { loss });
  const lesson = await learnFrom(model, data, loss, distill, signal);
  try {
    const result = await train(model, lesson.data, { ...training, loss: lesson.loss });
    return { ...result, layers: await forward.bake() };
  } finally {
    lesson.end();
  }
}
