import {
  add,
  keep,
  mul,
  square,
  tidy,
  variableGrads,
  zerosLike,
  type NamedTensorMap,
  type Tensor,
} from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, throwIfAborted } from '../errors.ts';
import type { Split } from '../dataset.ts';
import { batchOf } from './batches.ts';
import { trainableVariables } from './layers.ts';
import { lossFunction, withRegularisation } from './losses.ts';
import type { Loss } from './types.ts';

/** Options of {@link meanGradients} and {@link gradientMoments}. */
export interface MeanGradientsOptions {
  /** Which examples, default all. */
  readonly indexes?: Int32Array;
  /** Examples in one pass. Default 256. Changes memory, not the meaning of a mean; squares are those of batches. */
  readonly batchSize?: number;
  /** Default `crossEntropy`. */
  readonly loss?: Loss;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** Two moments of the gradients of batches, by variable name. */
export interface GradientMoments {
  /** The gradient of the mean loss. */
  readonly mean: NamedTensorMap;
  /** The mean over the batches of their squared gradients; a smaller last batch counts for less. */
  readonly square: NamedTensorMap;
}

/**
 * The gradient of the mean loss over the examples at `indexes`, in inference mode (no dropout, moving
 * batch-norm statistics), by variable name. The caller disposes of the tensors.
 */
export function meanGradients(
  model: LayersModel,
  data: Split,
  options: MeanGradientsOptions = {},
): NamedTensorMap {
  const [mean] = accumulate('meanGradients', model, data, options, [(gradient) => gradient]);
  return mean!;
}

/**
 * {@link meanGradients} and the mean square of the batches' gradients. Where the mean is small beside its spread, as
 * near a minimum, that is the diagonal of the empirical Fisher matrix ÷ the batch size: a measure of curvature
 * (Amari 1998; Theis et al. 2018). The caller disposes of the tensors.
 */
export function gradientMoments(
  model: LayersModel,
  data: Split,
  options: MeanGradientsOptions = {},
): GradientMoments {
  const [mean, squares] = accumulate('gradientMoments', model, data, options, [
    (gradient) => gradient,
    (gradient) => square(gradient),
  ]);
  return { mean: mean!, square: squares! };
}

/** The means over batches of functions of their gradients. */
function accumulate(
  who: string,
  model: LayersModel,
  data: Split,
  options: MeanGradientsOptions,
  functions: readonly ((gradient: Tensor) => Tensor)[],
): NamedTensorMap[] {
  const { indexes = Int32Array.from({ length: data.size }, (_, i) => i), batchSize = 256, signal } = options;
  if (indexes.length === 0) throw new ArgumentError(`${who}: needs at least one example, got none.`);
  const lossOf = lossFunction(options.loss ?? 'crossEntropy');
  const variables = trainableVariables(model);
  const release = (maps: readonly NamedTensorMap[]) => {
    for (const map of maps) for (const sum of Object.values(map)) sum.dispose();
  };
  let sums: NamedTensorMap[] = functions.map(() =>
    tidy(() => Object.fromEntries(variables.map((v) => [v.name, keep(zerosLike(v))]))),
  );
  try {
    for (let from = 0; from < indexes.length; from += batchSize) {
      throwIfAborted(signal, who);
      const part = indexes.subarray(from, Math.min(from + batchSize, indexes.length));
      const weight = part.length / indexes.length;
      const former = sums;
      sums = tidy(() => {
        const { x, y } = batchOf(data, part);
        const objective = () =>
          withRegularisation(lossOf(y, model.apply(x, { training: false }) as Tensor), model);
        const { grads } = variableGrads(objective, variables);
        return former.map((map, i) =>
          Object.fromEntries(
            Object.entries(map).map(([name, sum]) => [
              name,
              keep(add(sum, mul(functions[i]!(grads[name] ?? zerosLike(sum)), weight))),
            ]),
          ),
        );
      });
      release(former);
    }
  } catch (error) {
    release(sums);
    throw error;
  }
  return sums;
}
