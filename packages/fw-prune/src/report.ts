import type { LayersModel } from '@tensorflow/tfjs-layers';
import {
  compareModels,
  describeModels,
  type LatencyOptions,
  type ModelComparison,
} from '@ockham/core/metrics';
import { batchOf, type Loss } from '@ockham/core/training';
import type { PruneData } from './prune-data.ts';
import { encodeSparseModel } from './sparse-file.ts';

/** What the comparison of a model before and after pruning measures beside counts, FLOPs and sizes. */
export interface ReportOptions {
  /** Latency is taken on training examples. Default batches of 1, 32 and 128, ten passes each; `false` for none. */
  readonly latency?: LatencyOptions | false;
}

/**
 * The model before and after: counts, FLOPs, bytes on disk, as TensorFlow.js writes them and in the sparse form,
 * latency, accuracy where there is a test split, and warnings of what did not get better.
 */
export async function compareBeforeAfter(
  before: LayersModel,
  after: LayersModel,
  data: PruneData,
  loss: Loss,
  { latency = {} }: ReportOptions,
  signal?: AbortSignal,
): Promise<ModelComparison> {
  const inputs = (batch: number) => {
    const { x, y } = batchOf(
      data.train,
      Int32Array.from({ length: batch }, (_, i) => i % data.train.size),
    );
    y.dispose();
    return x;
  };
  const { test } = data;
  const reports = await describeModels(
    { before, after },
    {
      ...(signal && { signal }),
      ...(test && { data: test, evaluate: { loss } }),
      latency: latency && { repeats: 10, warmup: 2, inputs, inputShape: data.train.x.shape, ...latency },
    },
  );
  const { bytes } = await encodeSparseModel(after);
  return compareModels(reports['before']!, { ...reports['after']!, files: { sparse: bytes.byteLength } });
}
