import type { Optimizer } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Split } from '@ockham/core';
import {
  train,
  type DistillOptions,
  type Loss,
  type OptimizerSpec,
  type TrainOptions,
  type TrainResult,
  type UpdateConstraint,
} from '@ockham/core/training';
import type { Masks } from './masks.ts';

/** How a model is trained again after each pruning. */
export interface RetrainOptions {
  /** E, passes over the training data after each iteration; fractions allowed, 0 for none. Default 1. */
  readonly epochs?: number;
  /**
   * Default adam with a rate that falls from 0.003 to 0 along half a cosine over all iterations together, which
   * measures best on LeNet-300-100; sgd at 0.01 in the printed forms. A tf optimizer is kept and not disposed of.
   */
  readonly optimizer?: Optimizer | OptimizerSpec | OptimizerSpec['name'];
  /**
   * A constant, or the rate at step `step` of `total` over all iterations together. Default: the falling rate
   * above, or the own rate of an optimizer that is named.
   */
  readonly learningRate?: number | ((step: number, total: number) => number);
  /**
   * `adjust` lowers the rates of dropout layers to D·√(fraction of weights left), since the pruned network has less
   * capacity to restrain (Han et al. 2015); `keep` leaves them. Default `adjust`; `keep` in the printed forms.
   */
  readonly dropout?: 'adjust' | 'keep';
  /** Default 128. */
  readonly batchSize?: number;
  /** Of retraining and of the gradients that pruning looks at. Default `crossEntropy`. */
  readonly loss?: Loss;
  /**
   * Learns from the given model's outputs beside the labels: (1 − weight)·loss + weight·T²·H(teacher, student),
   * with both softened by the temperature T, default 2 (Hinton, Vinyals and Dean 2015). For losses on class
   * indexes. Default: not used.
   */
  readonly distill?: DistillOptions;
  /**
   * Whether each iteration goes on with the optimizer and its moments or starts a new one. Default `continued`,
   * one point better than `fresh` at 98 % sparsity; a tf optimizer always goes on.
   */
  readonly optimizerState?: 'fresh' | 'continued';
}

/** Adam, 0.003 falling to 0 along half a cosine (Loshchilov and Hutter 2017). */
export const fallingAdam: { optimizer: 'adam'; learningRate: (step: number, total: number) => number } = {
  optimizer: 'adam',
  learningRate: (step: number, total: number): number => 0.0015 * (1 + Math.cos((Math.PI * step) / total)),
};

/**
 * Trains a pruned model in place and holds its masks: `train` with `masks.constraint()`. A constraint of your own
 * is applied first.
 *
 * @throws As `train` of `@ockham/core/training`.
 */
export function trainPruned(
  model: LayersModel,
  data: Split,
  masks: Masks,
  options: TrainOptions,
): Promise<TrainResult> {
  return train(model, data, { ...options, constraint: both(options.constraint, masks.constraint()) });
}

function both(first: UpdateConstraint | undefined, second: UpdateConstraint): UpdateConstraint {
  if (!first) return second;
  return {
    gradients: (given) => {
      const gradients = first.gradients?.(given) ?? given;
      return second.gradients?.(gradients) ?? gradients;
    },
    apply: () => {
      first.apply?.();
      second.apply?.();
    },
  };
}
