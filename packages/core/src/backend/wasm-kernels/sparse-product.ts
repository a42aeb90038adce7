import type { backend_util, TensorInfo } from '@tensorflow/tfjs-core';
import type { AttachedKernels } from './attach.ts';
import type { SparseWeights } from './sparse-weights.ts';

/** Examples that a product takes at a time: a row of 32 numbers for each input. */
const TILE = 32;
const up4 = (n: number): number => 4 * Math.ceil(n / 4);

/** y `[batch, outputs]` = x `[batch, inputs]` · the transpose of the sparse rows. */
export function sparseMatMul(
  attached: AttachedKernels,
  weights: SparseWeights,
  [batch, inputs]: readonly [batch: number, inputs: number],
  x: TensorInfo,
  y: TensorInfo,
): void {
  const { kernels, address, workspace } = attached;
  const { rows, starts, values } = weights;
  const [from, to] = [address(x), address(y)];
  if (batch < 4) {
    const offsets = weights.offsets('vector', (column) => 4 * column);
    for (let b = 0; b < batch; b++)
      kernels.sparseVector(rows, starts, offsets, values, from + 4 * inputs * b, to + 4 * rows * b);
    return;
  }
  const offsets = weights.offsets('tile', (column) => 4 * TILE * column);
  const turned = workspace(4 * TILE * (inputs + rows));
  const result = turned + 4 * TILE * inputs;
  for (let b = 0; b < batch; b += TILE) {
    const count = Math.min(TILE, batch - b);
    kernels.transpose(count, inputs, from + 4 * inputs * b, inputs, turned, TILE);
    kernels.sparseProduct(rows, count, starts, offsets, values, turned, result, TILE);
    kernels.transpose(rows, count, result, TILE, to + 4 * rows * b, rows);
  }
}

/** Whether {@link sparseConv2d} can do a convolution. */
export function fitsSparseConv2d({ strideHeight, strideWidth }: backend_util.Conv2DInfo): boolean {
  return strideHeight === 1 && strideWidth === 1;
}

/**
 * y of a convolution of stride 1. Each image is laid out as padded planes, a channel each; the outputs of a tap are then a
 * shifted part of a plane, rows of the padded width long, of which the last few numbers are left out at the end.
 */
export function sparseConv2d(
  attached: AttachedKernels,
  weights: SparseWeights,
  info: backend_util.Conv2DInfo,
  x: TensorInfo,
  y: TensorInfo,
): void {
  const { kernels, address, memory, workspace } = attached;
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, filterWidth } = info;
  const { top, bottom, left, right } = info.padInfo;
  const width = inWidth + left + right;
  const plane = up4((inHeight + top + bottom) * width);
  const p = (outHeight - 1) * width + outWidth;
  const ldy = up4(p);
  const offsets = weights.offsets(`${width} ${plane}`, (column) => {
    const tap = Math.floor(column / inChannels);
    const row = Math.floor(tap / filterWidth) * info.dilationHeight;
    return 4 * ((column % inChannels) * plane + row * width + (tap % filterWidth) * info.dilationWidth);
  });
  const floats = inChannels * plane + 4; // a row's last numbers are read beyond the last plane
  const planes = workspace(4 * (floats + outChannels * ldy));
  const result = planes + 4 * floats;
  new Float32Array(memory.buffer, planes, floats).fill(0);
  const [from, to] = [address(x), address(y)];
  for (let b = 0; b < batchSize; b++) {
    for (let row = 0; row < inHeight; row++) {
      const source = from + 4 * ((b * inHeight + row) * inWidth * inChannels);
      kernels.transpose(
        ...([inWidth, inChannels, source, inChannels] as const),
        ...([planes + 4 * ((row + top) * width + left), plane] as const),
      );
    }
    kernels.sparseProduct(outChannels, p, weights.starts, offsets, weights.values, planes, result, ldy);
    for (let row = 0; row < outHeight; row++) {
      const target = to + 4 * ((b * outHeight + row) * outWidth * outChannels);
      kernels.transpose(
        ...([outChannels, outWidth, result + 4 * row * width, ldy] as const),
        ...([target, outChannels] as const),
      );
    }
  }
}
