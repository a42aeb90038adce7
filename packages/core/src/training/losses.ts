import {
  add,
  cast,
  clipByValue,
  log,
  mean,
  mul,
  neg,
  oneHot,
  reshape,
  squaredDifference,
  sub,
  sum,
  logSumExp,
  type Scalar,
  type Tensor,
  type Tensor1D,
} from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { crossEntropyOfFew } from './few-rows.ts';
import { flatLayers } from './layers.ts';
import type { Loss, LossFunction } from './types.ts';

/** Probabilities are kept this far from 0 before the logarithm (Keras' epsilon). */
const EPSILON = 1e-7;

/**
 * The loss function behind a name; a function passes through.
 * `crossEntropy` is −log p of the right class, `meanSquaredError` the mean over all values.
 */
export function lossFunction(loss: Loss): LossFunction {
  if (typeof loss === 'function') return loss;
  return { crossEntropy, crossEntropyFromLogits, meanSquaredError }[loss];
}

function crossEntropy(target: Tensor, prediction: Tensor): Scalar {
  const few = crossEntropyOfFew(target, prediction, EPSILON);
  if (few) return few;
  const right = sum(mul(oneHotOf(target, prediction), prediction), -1); // [batch]
  return neg(mean(log(clipByValue(right, EPSILON, 1))));
}

function crossEntropyFromLogits(target: Tensor, prediction: Tensor): Scalar {
  const right = sum(mul(oneHotOf(target, prediction), prediction), -1); // [batch]
  return mean(sub(logSumExp(prediction, -1), right));
}

function meanSquaredError(target: Tensor, prediction: Tensor): Scalar {
  return mean(squaredDifference(reshape(target, prediction.shape), prediction));
}

function oneHotOf(target: Tensor, prediction: Tensor): Tensor {
  // cast afterwards: the stock wasm engine writes integers into a float32 one-hot; labels may be whole floats
  return cast(oneHot(cast(target as Tensor1D, 'int32'), prediction.shape.at(-1)!), 'float32');
}

/** The scalar sum of a loss and the regularisation terms of a model's layers; a `Sequential` itself names none. */
export function withRegularisation(loss: Tensor, model: LayersModel): Scalar {
  const terms = [...new Set(flatLayers(model))].flatMap((layer) => layer.calculateLosses());
  return terms.reduce<Tensor>((total, term) => add(total, term), mean(loss)) as Scalar;
}
