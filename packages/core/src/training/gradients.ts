import {
  add,
  keep,
  mul,
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

/** Options of {@link meanGradients}. */
export interface MeanGradientsOptions {
  /** Which examples, default all. */
  readonly indexes?: Int32Array;
  /** Examples in one pass; changes memory, not the result's meaning. Default 256. */
  readonly batchSize?: number;
  /** Default `crossEntropy`. */
  readonly loss?: Loss;
  readonly signal?: AbortSignal;
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
  const { indexes = Int32Array.from({ length: data.size }, (_, i) => i), batchSize = 256, signal } = options;
  if (indexes.length === 0) throw new ArgumentError('meanGradients: needs at least one example, got none.');
  const lossOf = lossFunction(options.loss ?? 'crossEntropy');
  const variables = trainableVariables(model);
  let sums: NamedTensorMap = tidy(() =>
    Object.fromEntries(variables.map((v) => [v.name, keep(zerosLike(v))])),
  );
  for (let from = 0; from < indexes.length; from += batchSize) {
    throwIfAborted(signal, 'meanGradients');
    const part = indexes.subarray(from, Math.min(from + batchSize, indexes.length));
    const former = sums;
    sums = tidy(() => {
      const { x, y } = batchOf(data, part);
      const objective = () =>
        withRegularisation(lossOf(y, model.apply(x, { training: false }) as Tensor), model.calculateLosses());
      const { grads } = variableGrads(objective, variables);
      const weight = part.length / indexes.length;
      return Object.fromEntries(
        Object.entries(former).map(([name, sum]) => [
          name,
          keep(add(sum, mul(grads[name] ?? zerosLike(sum), weight))),
        ]),
      );
    });
    for (const sum of Object.values(former)) sum.dispose();
  }
  return sums;
}
