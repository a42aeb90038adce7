import {
  dispose,
  tidy,
  variableGrads,
  type NamedTensorMap,
  type Optimizer,
  type Scalar,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Split } from '../dataset.ts';
import { ArgumentError } from '../errors.ts';
import type { Random } from '../random/random.ts';
import { batchOf } from './batches.ts';
import { flatLayers, trainableVariables, type Layer } from './layers.ts';
import { withRegularisation } from './losses.ts';
import type { LossFunction, UpdateConstraint } from './types.ts';

/** Options of {@link trainStep}. */
export interface TrainStepOptions {
  /** Mean loss of the batch. */
  readonly loss: LossFunction;
  /** Dropout draws from its stream `dropout`. */
  readonly random: Random;
  /** Number of the step, which dropout depends on. */
  readonly step: number;
  /** Default: all trainable ones of the model. */
  readonly variables?: Variable[];
  /** Keeps the weights in a set, as {@link TrainOptions.constraint} does. Default none. */
  readonly constraint?: UpdateConstraint;
}

/**
 * One optimizer step of `train` on the examples at `indexes`, for loops of one's own. Leaks no tensor.
 *
 * @returns The loss before the step; it may not be finite.
 * @throws ArgumentError where this TensorFlow.js has no gradients.
 */
export async function trainStep(
  model: LayersModel,
  optimizer: Pick<Optimizer, 'applyGradients'>,
  data: Split,
  indexes: Int32Array,
  options: TrainStepOptions,
): Promise<number> {
  const { loss, random, step, variables = trainableVariables(model), constraint } = options;
  const value = tidy(() => {
    const { x, y } = batchOf(data, indexes);
    const { value: batchLoss, grads } = withSeededDropout(model, random, step, () =>
      lossGradients(
        () => withRegularisation(loss(y, model.apply(x, { training: true }) as Tensor), model),
        variables,
      ),
    );
    optimizer.applyGradients(constraint?.gradients?.(grads) ?? grads);
    constraint?.apply?.();
    return batchLoss;
  });
  const [before] = await value.data();
  dispose(value);
  return before!;
}

/**
 * A loss and its gradients by variable name, as `variableGrads` gives them.
 *
 * @throws ArgumentError where this TensorFlow.js has no gradients.
 */
export function lossGradients(
  loss: () => Scalar,
  variables: Variable[],
): { readonly value: Scalar; readonly grads: NamedTensorMap } {
  try {
    return variableGrads(loss, variables);
  } catch (error) {
    throw explainMissingGradients(error);
  }
}

/**
 * Does `work` while every dropout layer, and every layer that says `seededNoise`, has a seed of this step in its
 * property `seed`: the same step drops the same units, however often it is computed.
 */
export function withSeededDropout<T>(model: LayersModel, random: Random, step: number, work: () => T): T {
  const isDropout = (layer: Layer) => /Dropout/.test(layer.getClassName()) || 'seededNoise' in layer;
  const dropouts = flatLayers(model).filter(isDropout) as unknown as { seed: number | undefined }[];
  const own = dropouts.map((layer) => layer.seed);
  // by position, since TensorFlow.js numbers automatic layer names anew for every model
  for (const [i, layer] of dropouts.entries())
    layer.seed = random.stream('dropout').stream(i).stream(step).seed();
  try {
    return work();
  } finally {
    for (const [i, layer] of dropouts.entries()) layer.seed = own[i];
  }
}

/** tfjs-core alone has no gradients; say so instead of passing its message on. */
function explainMissingGradients(error: unknown): unknown {
  if (error instanceof Error && /Cannot compute gradient: gradient function not found/.test(error.message)) {
    return new ArgumentError(
      `train: this TensorFlow.js has no gradients (${error.message}). Import '@tensorflow/tfjs' once, before training: tfjs-core alone does not bring them.`,
      { cause: error },
    );
  }
  return error;
}
