/** The gradients of a depthwise convolution on the wasm engine; the stock engine has the convolution itself, as fast as ours. */
import type { backend_util, TensorInfo } from '@tensorflow/tfjs-core';
import type { AttachedKernels } from './attach.ts';
import { geometryOf, placeGeometry } from './geometry.ts';

/** Writes the gradient of the input to `dx`. */
export function depthwiseInputGradient(
  attached: AttachedKernels,
  info: backend_util.Conv2DInfo,
  dy: TensorInfo,
  filter: TensorInfo,
  dx: TensorInfo,
): void {
  const { kernels, address } = attached;
  const { at } = placeGeometry(attached, geometryOf(info), () => 0);
  kernels.depthwiseInputGradient(at, address(dy), address(filter), address(dx));
}

/** Writes the gradient of the filter to `dw`. */
export function depthwiseFilterGradient(
  attached: AttachedKernels,
  info: backend_util.Conv2DInfo,
  x: TensorInfo,
  dy: TensorInfo,
  dw: TensorInfo,
): void {
  const { kernels, address } = attached;
  const { at, work } = placeGeometry(attached, geometryOf(info), kernels.depthwiseFilterGradientBytes);
  kernels.depthwiseFilterGradient(at, address(x), address(dy), address(dw), work);
}
