/**
 * Dark experience replay: stored examples keep the logits that they had when they were new, and the model is held to them.
 *
 * Source: Buzzega et al. 2020, "Dark experience for general continual learning", equation 6 (DER++).
 * Deviations: one sample of the buffer serves both terms instead of two samples, so that a step costs what a step of the other methods costs.
 */
import { ArgumentError } from '@ockham/core';
import type { LossFunction } from '@ockham/core/training';
import {
  add,
  cast,
  logSumExp,
  maximum,
  mean,
  mul,
  oneHot,
  reshape,
  slice,
  squaredDifference,
  sub,
  sum,
  div,
  type Tensor,
  type Tensor1D,
} from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { StreamLearner } from '../evaluation/stream-learner.ts';
import type { GradientOptions, MemoryOptions } from './baseline-options.ts';
import { outputsOf } from './classifier.ts';
import { replayBaseline } from './replay-baseline.ts';

/** Options of {@link derPlusPlus}. */
export interface DerOptions extends GradientOptions, MemoryOptions {
  /** α, weight of the distance between logits, ≥ 0. Default 0.5. */
  readonly alpha?: number;
  /** β, weight of the stored labels, ≥ 0. Default 0.5. */
  readonly beta?: number;
}

/**
 * DER++. The loss is H(new) + α·‖logits − stored logits‖²/classes + β·H(stored), each a mean over its examples.
 *
 * @param model An output for each class that may appear; not changed.
 * @throws ArgumentError for options out of range.
 */
export function derPlusPlus(model: LayersModel, options: DerOptions): Promise<StreamLearner> {
  const { alpha = 0.5, beta = 0.5, capacity, bytes } = options;
  for (const [name, value] of [
    ['alpha', alpha],
    ['beta', beta],
  ] as const) {
    if (!(value >= 0 && Number.isFinite(value))) {
      throw new ArgumentError(`derPlusPlus: ${name} must be a number ≥ 0, got ${value}.`);
    }
  }
  const classes = model.outputs[0]!.shape.at(-1)!;
  return replayBaseline(
    'derPlusPlus',
    model,
    options,
    {
      ...(capacity !== undefined && { capacity }),
      ...(bytes !== undefined && { bytes }),
      evict: 'reservoir',
    },
    {
      extras: classes,
      targets: classes + 1,
      loss: derLoss(alpha, beta),
      extrasOf: (classifier, fresh) => outputsOf(classifier.model, fresh),
      targetsOf: async (_classifier, batch, fresh, extras) => {
        const targets = new Float32Array(batch.size * (classes + 1));
        for (let i = fresh; i < batch.size; i++) {
          targets[i * (classes + 1)] = 1; // stored
          targets.set(
            extras.subarray((i - fresh) * classes, (i - fresh + 1) * classes),
            i * (classes + 1) + 1,
          );
        }
        return targets;
      },
    },
  );
}

/** The loss of DER++, of targets `[batch, label · stored (0 or 1) · stored logits]`. */
export function derLoss(alpha: number, beta: number): LossFunction {
  return (target, logits) => {
    const [size, classes] = logits.shape as [number, number];
    const labels = cast(reshape(slice(target, [0, 0], [size, 1]), [size]), 'int32');
    const stored = reshape(slice(target, [0, 1], [size, 1]), [size]); // 1 or 0
    const fresh = sub(1, stored);
    const right = sum(mul(cast(oneHot(labels as Tensor1D, classes), 'float32'), logits), -1);
    const entropy = sub(logSumExp(logits, -1), right); // [batch]
    const distance = mean(squaredDifference(logits, slice(target, [0, 2], [size, classes])), -1);
    const replayed = add(mul(distance, alpha), mul(entropy, beta));
    return add(meanWhere(entropy, fresh), meanWhere(replayed, stored));
  };
}

/** Mean of `values` where `mask` is 1; 0 where it never is. */
function meanWhere(values: Tensor, mask: Tensor): Tensor {
  return div(sum(mul(values, mask)), maximum(sum(mask), 1));
}
