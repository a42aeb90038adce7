/**
 * Matrix products on the wasm engine: ours where an operand is transposed, since the stock kernel is then a naive loop, where
 * batches are broadcast along some of their axes, which the stock kernel computes wrongly, and where there are rows enough to
 * repay packing the other operand.
 */
import { _FusedMatMul, BatchMatMul, broadcast_util, util } from '@tensorflow/tfjs-core';
import type { _FusedMatMulAttrs, BatchMatMulAttrs, KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { hostOf } from '../repairs/host.ts';
import { rangeOf } from './activation-range.ts';
import { aroundStock, type OwnKernel } from './around-stock.ts';
import { sparseMatMul } from './sparse-product.ts';
import { sparseWeightsOf } from './sparse-weights.ts';

/** The kernels to register. */
export function matMulKernels(): readonly KernelConfig[] {
  return [...aroundStock(BatchMatMul, batchMatMul), ...aroundStock(_FusedMatMul, fusedMatMul)];
}

/** Rows from which packing the second operand pays; with fewer the stock kernel reads it once and is done. */
const LEAST_ROWS = 32;

/** A layer's product. */
const fusedMatMul: OwnKernel = (attached, { inputs, attrs, backend }) => {
  const { a, b, bias, preluActivationWeights } = inputs as Record<string, TensorInfo | undefined>;
  const { transposeA, transposeB, activation } = attrs as unknown as _FusedMatMulAttrs;
  const [batch, k] = a!.shape.slice(-2) as [number, number];
  const n = b!.shape.at(-1)!;
  const range = rangeOf(activation);
  const plain = !transposeA && !transposeB && util.sizeFromShape(b!.shape) === k * n && batch > 0;
  if (!plain || !range || preluActivationWeights || util.sizeFromShape(a!.shape) !== batch * k)
    return undefined;
  if (a!.dtype !== 'float32' || (bias && (bias.dtype !== 'float32' || bias.shape.at(-1) !== n)))
    return undefined;
  const sparse = sparseWeightsOf(b!, batch);
  if (!sparse && (batch < LEAST_ROWS || b!.dtype !== 'float32' || k * n === 0)) return undefined;
  const y = hostOf(backend).allocate([...a!.shape.slice(0, -1), n], 'float32');
  if (sparse) {
    sparseMatMul(attached, sparse.weights, sparse.form, batch, a!, y, { bias, range });
    return y;
  }
  const { kernels, address, workspace } = attached;
  const to = address(y);
  const work = workspace(kernels.workspaceBytes());
  kernels.gemm(false, false, batch, n, k, address(a!), k, address(b!), n, to, n, work);
  if (bias || range[0] > -Infinity || range[1] < Infinity)
    kernels.finish(batch, n, to, bias ? address(bias) : 0, ...range);
  return y;
};

const batchMatMul: OwnKernel = (attached, { inputs, attrs, backend }) => {
  const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
  const { transposeA, transposeB } = attrs as unknown as BatchMatMulAttrs;
  if (a.dtype !== 'float32' || b.dtype !== 'float32') return undefined;
  const [aBatch, bBatch] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
  const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
  const empty = aRows * aColumns * bColumns === 0; // the stock kernel then complains, or leaves sums of nothing as they are
  if (!transposeA && !transposeB && aRows < LEAST_ROWS && !empty && !isMixed(aBatch, bBatch))
    return undefined;
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
};

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
