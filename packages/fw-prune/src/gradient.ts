import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Split } from '@ockham/core';
import type { Random } from '@ockham/core/random';
import { gradientMoments } from '@ockham/core/training';
import type { Selection } from './selection.ts';
import type { Settings } from './settings.ts';

/** What gradients say of one kernel, row-major. */
export interface KernelGradient {
  /** G, or ∇ of one iteration. */
  readonly mean: Float32Array;
  /** The mean of the squared gradients of mini-batches. */
  readonly square: Float32Array;
}

/**
 * ∇ of one iteration: the gradient of the mean loss over S examples drawn without replacement, for the kernels
 * that take part. Alg. 3 and 4 print the sum over single instances: S times the same.
 *
 * @param random A stream of this iteration.
 */
export async function gradientOf(
  model: LayersModel,
  data: Split,
  { weights, taking }: Selection,
  settings: Settings,
  random: Random,
  signal?: AbortSignal,
): Promise<KernelGradient[]> {
  const indexes = random.sample(data.size, Math.min(settings.subsample, data.size));
  const { mean, square } = gradientMoments(model, data, {
    indexes,
    batchSize: batchSizeOf(settings),
    loss: settings.retrain.loss ?? 'crossEntropy',
    ...(signal && { signal }),
  });
  try {
    const values: KernelGradient[] = [];
    for (const i of taking) {
      const { name } = weights[i]!.variable;
      values.push({
        mean: (await mean[name]!.data<'float32'>()).slice(),
        square: (await square[name]!.data<'float32'>()).slice(),
      });
    }
    return values;
  } finally {
    for (const gradient of [...Object.values(mean), ...Object.values(square)]) gradient.dispose();
  }
}

/** Small where squares are wanted, for many of them. */
function batchSizeOf({ gradientPasses, criterion }: Settings): number {
  if (gradientPasses === 'single') return 1;
  return criterion === 'natural-lmo' || typeof criterion === 'function' ? 32 : 256;
}

/**
 * G of this iteration from the last one's: m·G + ∇, or m·∇ as printed. Squares are averaged with the same m:
 * m·former + (1 − m)·new.
 */
export function withMomentum(
  former: readonly KernelGradient[],
  gradient: readonly KernelGradient[],
  settings: Settings,
): KernelGradient[] {
  const { momentum: m, momentumForm } = settings;
  if (momentumForm === 'printed') {
    const scale = m === 0 ? 1 : m; // m = 0 would print a G of zeros; no momentum is meant
    return gradient.map(({ mean, square }) => ({ mean: mean.map((value) => scale * value), square }));
  }
  return gradient.map((now, i) => {
    const last = former[i];
    if (last === undefined) return now;
    return {
      mean: now.mean.map((value, j) => m * last.mean[j]! + value),
      square: now.square.map((value, j) => m * last.square[j]! + (1 - m) * value),
    };
  });
}
