/**
 * `unsortedSegmentSum`, on which the gradient of `gather` and so of every embedding rests: missing on the stock
 * wasm engine, and one pass over all of x per segment on the stock cpu engine.
 */
import { UnsortedSegmentSum } from '@tensorflow/tfjs-core';
import type { KernelConfig, KernelFunc, TensorInfo, UnsortedSegmentSumAttrs } from '@tensorflow/tfjs-core';
import { hostEngines, hostOf } from './host.ts';

/** The repaired kernels. */
export const segmentSumKernels: readonly KernelConfig[] = hostEngines.map((backendName) => ({
  kernelName: UnsortedSegmentSum,
  backendName,
  kernelFunc: unsortedSegmentSum,
}));

function unsortedSegmentSum({ inputs, attrs, backend }: Parameters<KernelFunc>[0]): TensorInfo {
  const { x, segmentIds } = inputs as { x: TensorInfo; segmentIds: TensorInfo };
  const { numSegments } = attrs as unknown as UnsortedSegmentSumAttrs;
  const rowShape = x.shape.slice(segmentIds.shape.length);
  const width = rowShape.reduce((product, n) => product * n, 1);
  const host = hostOf(backend);
  const result = host.allocate([numSegments, ...rowShape], x.dtype);
  const [values, ids, sums] = [host.view(x), host.view(segmentIds), host.view(result).fill(0)];
  for (let row = 0; row < ids.length; row++) {
    const segment = ids[row]!;
    if (segment < 0 || segment >= numSegments) continue; // TensorFlow drops them too
    for (let i = 0, from = row * width, to = segment * width; i < width; i++)
      sums[to + i]! += values[from + i]!;
  }
  return result;
}
