import type { backend_util, TensorInfo } from '@tensorflow/tfjs-core';
import type { AttachedKernels } from './attach.ts';
import type { SparseForm, SparseWeights } from './sparse-weights.ts';

/** Examples that a product takes at a time: a row of 32 numbers for each input. */
const TILE = 32;
/** From this batch on examples are multiplied together. */
const TOGETHER = 4;
const up4 = (n: number): number => 4 * Math.ceil(n / 4);

/** What a layer does after its product. */
export interface Ending {
  readonly bias: TensorInfo | undefined;
  /** Where an activation cuts off. */
  readonly range: readonly [low: number, high: number];
}

/** y `[batch, outputs]` = x `[batch, inputs]` · the weight, and the layer's ending. */
export function sparseMatMul(
  attached: AttachedKernels,
  weights: SparseWeights,
  form: SparseForm,
  batch: number,
  x: TensorInfo,
  y: TensorInfo,
  { bias, range }: Ending,
): void {
  const { kernels, address, workspace } = attached;
  const { inputs, outputs } = weights;
  const [from, to] = [address(x), address(y)];
  const plus = bias ? address(bias) : 0;
  if (batch < TOGETHER || form === 'groups') {
    for (let b = 0; b < batch; b++)
      vector(attached, weights, form, from + 4 * inputs * b, to + 4 * outputs * b, plus, range);
    return;
  }
  const entries = form === 'blocks' ? weights.blocks() : weights.rows();
  const product = form === 'blocks' ? kernels.blockProduct : kernels.sparseProduct;
  const offsets = entries.offsets('tile', (column) => 4 * TILE * column);
  const turned = workspace(4 * TILE * (inputs + up4(outputs)));
  const result = turned + 4 * TILE * inputs;
  for (let b = 0; b < batch; b += TILE) {
    const count = Math.min(TILE, batch - b);
    kernels.transpose(count, inputs, from + 4 * inputs * b, inputs, turned, TILE);
    product(outputs, count, entries.starts, offsets, entries.values, turned, result, TILE, plus, ...range);
    kernels.transpose(outputs, count, result, TILE, to + 4 * outputs * b, outputs);
  }
}

/** One example. */
function vector(
  { kernels, workspace }: AttachedKernels,
  weights: SparseWeights,
  form: SparseForm,
  x: number,
  y: number,
  plus: number,
  range: readonly [number, number],
): void {
  const { inputs, outputs } = weights;
  if (form === 'blocks') {
    const { starts, values, offsets } = weights.blocks();
    const places = offsets('vector', (column) => 4 * column);
    kernels.blockVector(outputs, starts, places, values, x, plus, y, ...range);
    return;
  }
  const scratch = workspace(4 * (inputs + 12));
  if (form === 'groups') {
    const { slots, values, places, table } = weights.groups();
    kernels.groupVector(outputs, inputs, slots, values, places, table, x, scratch, plus, y, ...range);
    return;
  }
  const slices = weights.slices();
  for (const [i, { from, inputs: count, order, starts, offsets, values }] of slices.entries()) {
    const ends = i === slices.length - 1 ? range : ([-Infinity, Infinity] as const);
    kernels.sparseVector(
      ...([outputs, count, order, starts, offsets, values, x + 4 * from, scratch] as const),
      ...([i === 0 ? plus : y, y, ...ends] as const),
    );
  }
}

/**
 * y of a convolution and the layer's ending. Each image is laid out as padded planes, one for each channel and each row and column modulo the
 * strides; the outputs of a tap are then a shifted part of a plane, rows of the plane's width long, of which the last few
 * numbers are left out at the end.
 */
export function sparseConv2d(
  attached: AttachedKernels,
  weights: SparseWeights,
  form: SparseForm,
  info: backend_util.Conv2DInfo,
  x: TensorInfo,
  y: TensorInfo,
  { bias, range }: Ending,
): void {
  const { kernels, address, memory, workspace } = attached;
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, filterWidth } = info;
  const { strideHeight, strideWidth, dilationHeight, dilationWidth } = info;
  const { top, bottom, left, right } = info.padInfo;
  const width = Math.ceil((inWidth + left + right) / strideWidth);
  const plane = up4(Math.ceil((inHeight + top + bottom) / strideHeight) * width);
  const p = (outHeight - 1) * width + outWidth;
  const ldy = up4(p);
  const phase = strideHeight * strideWidth * plane; // numbers of one channel
  const entries = form === 'blocks' ? weights.blocks() : weights.rows();
  const product = form === 'blocks' ? kernels.blockProduct : kernels.sparseProduct;
  const offsets = entries.offsets([width, plane, strideHeight, strideWidth].join(' '), (column) => {
    const tap = Math.floor(column / inChannels);
    const row = Math.floor(tap / filterWidth) * dilationHeight;
    const across = (tap % filterWidth) * dilationWidth;
    const which = (row % strideHeight) * strideWidth + (across % strideWidth);
    const at = Math.floor(row / strideHeight) * width + Math.floor(across / strideWidth);
    return 4 * ((column % inChannels) * phase + which * plane + at);
  });
  const floats = inChannels * phase + 4; // a row's last numbers are read beyond the last plane
  const planes = workspace(4 * (floats + up4(outChannels) * ldy));
  const result = planes + 4 * floats;
  new Float32Array(memory.buffer, planes, floats).fill(0);
  const [from, to] = [address(x), address(y)];
  const plus = bias ? address(bias) : 0;
  const pixel = 4 * inChannels;
  for (let b = 0; b < batchSize; b++) {
    for (let row = 0; row < inHeight; row++) {
      const source = from + (b * inHeight + row) * inWidth * pixel;
      const padded = row + top;
      const line = (padded % strideHeight) * strideWidth * plane + Math.floor(padded / strideHeight) * width;
      for (let s = 0; s < strideWidth; s++) {
        const first = (((s - left) % strideWidth) + strideWidth) % strideWidth; // of the row's pixels
        if (first >= inWidth) continue;
        const target = planes + 4 * (line + s * plane + (first + left - s) / strideWidth);
        const count = Math.ceil((inWidth - first) / strideWidth);
        const step = strideWidth * inChannels;
        kernels.transpose(count, inChannels, source + first * pixel, step, target, phase);
      }
    }
    product(outChannels, p, entries.starts, offsets, entries.values, planes, result, ldy, plus, ...range);
    for (let row = 0; row < outHeight; row++) {
      const target = to + 4 * ((b * outHeight + row) * outWidth * outChannels);
      kernels.transpose(outChannels, outWidth, result + 4 * row * width, ldy, target, outChannels);
    }
  }
}
