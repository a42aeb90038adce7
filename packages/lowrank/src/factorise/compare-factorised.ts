import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Split } from '@ockham/core';
import {
  compareModels,
  describeModels,
  type LatencyOptions,
  type ModelComparison,
} from '@ockham/core/metrics';
import type { Loss } from '@ockham/core/training';

/** A model before and after factorisation: parameters, both factors counted, FLOPs, bytes, latency, accuracy. */
export async function compareFactorised(
  before: LayersModel,
  after: LayersModel,
  data: { readonly test?: Split } | undefined,
  loss: Loss = 'crossEntropy',
  latency: LatencyOptions | false = {},
  signal?: AbortSignal,
): Promise<ModelComparison> {
  const test = data?.test;
  const reports = await describeModels(
    { before, after },
    {
      ...(signal && { signal }),
      ...(test && { data: test, evaluate: { loss } }),
      latency: latency && { repeats: 10, warmup: 2, ...latency },
    },
  );
  return compareModels(reports['before']!, reports['after']!, {
    promised: ['smaller-file', 'faster', 'fewer-flops', 'less-memory'],
  });
}
