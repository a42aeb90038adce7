/**
 * Matrix products on the wasm engine: ours where an operand is transposed, since the stock kernel is then a naive loop, and
 * where batches are broadcast along some of their axes, which the stock kernel computes wrongly.
 */
import { BatchMatMul, broadcast_util, util } from '@tensorflow/tfjs-core';
import type { BatchMatMulAttrs, KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { hostOf } from '../repairs/host.ts';
import { aroundStock } from './around-stock.ts';

/** The kernel to register. */
export function matMulKernels(): readonly KernelConfig[] {
  return aroundStock(BatchMatMul, (attached, { inputs, attrs, backend }) => {
    const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
    const { transposeA, transposeB } = attrs as unknown as BatchMatMulAttrs;
    if (a.dtype !== 'float32' || b.dtype !== 'float32') return undefined;
    const [aBatch, bBatch] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
    if (!transposeA && !transposeB && !isMixed(aBatch, bBatch)) return undefined;
    const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
    const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
    const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
    const n = transposeB ? bRows : bColumns;
    const batch = broadcast_util.assertAndGetBroadcastShape(aBatch, bBatch);
    const host = hostOf(backend);
    const c = host.allocate([...batch, m, n], 'float32');
    if (k === 0) host.view(c).fill(0);
    if (m * n * k === 0) return c;
    const { kernels, address, workspace } = attached;
    const work = workspace(kernels.workspaceBytes());
    const count = batch.reduce((product, size) => product * size, 1);
    for (let i = 0; i < count; i++) {
      kernels.gemm(
        ...([transposeA, transposeB, m, n, k] as const),
        ...([address(a) + 4 * m * k * placeOf(i, batch, aBatch), aColumns] as const),
        ...([address(b) + 4 * k * n * placeOf(i, batch, bBatch), bColumns] as const),
        ...([address(c) + 4 * m * n * i, n, work] as const),
      );
    }
    return c;
  });
}

/** Whether both batches are broadcast, or one along some of its axes: the stock kernel repeats only whole batches. */
function isMixed(a: readonly number[], b: readonly number[]): boolean {
  const [left, right] = [util.sizeFromShape([...a]), util.sizeFromShape([...b])];
  return left !== 1 && right !== 1 && a.join() !== b.join();
}

/** Which matrix of a broadcast batch belongs to matrix `index` of the whole. */
function placeOf(index: number, whole: readonly number[], own: readonly number[]): number {
  let [place, step, rest] = [0, 1, index];
  for (let axis = 1; axis <= own.length; axis++) {
    const size = whole.at(-axis)!;
    if (own.at(-axis)! > 1) {
      place += (rest % size) * step;
      step *= size;
    }
    rest = Math.floor(rest / size);
  }
  return place;
}
