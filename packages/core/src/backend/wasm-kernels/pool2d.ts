/** Max pooling and the gradients of max and average pooling, `[batch, height, width, channels]`, on the wasm engine. */
import { backend_util, MaxPool } from '@tensorflow/tfjs-core';
import type { KernelConfig, MaxPoolAttrs, TensorInfo } from '@tensorflow/tfjs-core';
import { hostOf } from '../repairs/host.ts';
import { aroundStock } from './around-stock.ts';
import type { AttachedKernels } from './attach.ts';
import { geometryOf, placeGeometry } from './geometry.ts';

/** The kernel of the forward pass to register: of windows of 2 × 2; the stock one is as fast for others. */
export function poolKernels(): readonly KernelConfig[] {
  return aroundStock(MaxPool, (attached, { inputs, attrs, backend }) => {
    const { x } = inputs as { x: TensorInfo };
    const info = poolInfo(x.shape, attrs);
    const { filterHeight, filterWidth, strideHeight, strideWidth, outHeight, outWidth, padInfo } = info;
    const halves =
      [filterHeight, filterWidth, strideHeight, strideWidth].every((size) => size === 2) &&
      padInfo.top + padInfo.left === 0 &&
      2 * outHeight <= info.inHeight &&
      2 * outWidth <= info.inWidth;
    if (x.dtype !== 'float32' || !halves) return undefined;
    const y = hostOf(backend).allocate(info.outShape, 'float32');
    const { at } = placeGeometry(attached, geometryOf(info), () => 0);
    attached.kernels.maxPoolHalves(at, attached.address(x), attached.address(y));
    return y;
  });
}

/** The gradient of the maximum, by the first of each window. */
export function maxPoolGradient(
  attached: AttachedKernels,
  backend: unknown,
  dy: TensorInfo,
  x: TensorInfo,
  attrs: unknown,
): TensorInfo {
  const dx = hostOf(backend).allocate(x.shape, 'float32');
  const { at } = placeGeometry(attached, geometryOf(poolInfo(x.shape, attrs)), () => 0);
  const { kernels, address } = attached;
  kernels.maxPoolGradient(at, address(dy), address(x), address(dx));
  return dx;
}

/** The gradient of the mean. */
export function averagePoolGradient(
  attached: AttachedKernels,
  backend: unknown,
  dy: TensorInfo,
  x: TensorInfo,
  attrs: unknown,
): TensorInfo {
  const dx = hostOf(backend).allocate(x.shape, 'float32');
  const { at } = placeGeometry(attached, geometryOf(poolInfo(x.shape, attrs)), () => 0);
  const { kernels, address } = attached;
  kernels.averagePoolGradient(at, address(dy), address(dx));
  return dx;
}

function poolInfo(shape: number[], attrs: unknown): backend_util.Conv2DInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as MaxPoolAttrs;
  return backend_util.computePool2DInfo(shape as Shape4, filterSize, strides, 1, pad, dimRoundingMode);
}

type Shape4 = [number, number, number, number];
