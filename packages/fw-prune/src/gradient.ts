import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Split } from '@ockham/core';
import type { Random } from '@ockham/core/random';
import { meanGradients } from '@ockham/core/training';
import type { Selection } from './selection.ts';
import type { Settings } from './settings.ts';

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
): Promise<Float32Array[]> {
  const indexes = random.sample(data.size, Math.min(settings.subsample, data.size));
  const gradients = meanGradients(model, data, {
    indexes,
    batchSize: settings.gradientPasses === 'single' ? 1 : 256,
    loss: settings.retrain.loss ?? 'crossEntropy',
    ...(signal && { signal }),
  });
  try {
    const values: Float32Array[] = [];
    for (const i of taking)
      values.push((await gradients[weights[i]!.variable.name]!.data<'float32'>()).slice());
    return values;
  } finally {
    for (const gradient of Object.values(gradients)) gradient.dispose();
  }
}

/** G of this iteration from the last one's: m·G + ∇, or m·∇ as printed. */
export function withMomentum(
  former: readonly Float32Array[],
  gradient: readonly Float32Array[],
  settings: Settings,
): Float32Array[] {
  const { momentum, momentumForm } = settings;
  if (momentumForm === 'printed') {
    const scale = momentum === 0 ? 1 : momentum; // m = 0 would print a G of zeros; no momentum is meant
    return gradient.map((g) => g.map((value) => scale * value));
  }
  return gradient.map((g, i) => g.map((value, j) => momentum * (former[i]?.[j] ?? 0) + value));
}
