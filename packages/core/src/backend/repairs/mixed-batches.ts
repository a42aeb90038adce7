/**
 * Products of matrices on the cpu engine whose batches are broadcast along some axes each, `[2, 1, …]` with `[3, …]`: the
 * stock kernel counts both batches through from the start instead. Each is written out in full first.
 */
import { _FusedMatMul, BatchMatMul, broadcast_util, util } from '@tensorflow/tfjs-core';
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { hostOf } from './host.ts';
import { wrapKernel } from './wrap-kernel.ts';

/** The repaired kernels, around the stock ones; empty where they are in place or the engine is not there. */
export function mixedBatchKernels(): readonly KernelConfig[] {
  return [BatchMatMul, _FusedMatMul].flatMap((kernelName) =>
    wrapKernel(
      kernelName,
      'mixed batches',
      (stock) => (params) => {
        const { a, b } = params.inputs as { a: TensorInfo; b: TensorInfo };
        const [aBatch, bBatch] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
        const batch = broadcast_util.assertAndGetBroadcastShape(aBatch, bBatch);
        const count = util.sizeFromShape(batch);
        const sizes = [util.sizeFromShape(aBatch), util.sizeFromShape(bBatch)];
        if (sizes.every((size) => size === 1 || size === count)) return stock(params);
        const full = [a, b].map((matrix) => writtenOut(matrix, batch, params.backend));
        const product = stock({ ...params, inputs: { ...params.inputs, a: full[0]!, b: full[1]! } });
        const engine = params.backend as { disposeData(dataId: object): boolean };
        for (const copy of full) engine.disposeData(copy.dataId);
        return product;
      },
      'cpu',
    ),
  );
}

function writtenOut(matrix: TensorInfo, batch: readonly number[], backend: unknown): TensorInfo {
  const [rows, columns] = matrix.shape.slice(-2) as [number, number];
  const own = matrix.shape.slice(0, -2);
  const host = hostOf(backend);
  const copy = host.allocate([...batch, rows, columns], matrix.dtype);
  const [from, to] = [host.view(matrix), host.view(copy)];
  const size = rows * columns;
  for (let i = 0; i * size < to.length; i++) {
    let [rest, place, step] = [i, 0, 1];
    for (let axis = 1; axis <= batch.length; axis++) {
      const at = rest % batch.at(-axis)!;
      rest = Math.floor(rest / batch.at(-axis)!);
      const length = own.at(-axis) ?? 1;
      if (length > 1) place += at * step;
      step *= length;
    }
    to.set(from.subarray(place * size, (place + 1) * size), i * size);
  }
  return copy;
}
