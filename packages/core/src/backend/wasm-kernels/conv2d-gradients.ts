import type { backend_util, TensorInfo } from '@tensorflow/tfjs-core';
import type { AttachedKernels } from './attach.ts';
import { geometryOf, placeGeometry } from './geometry.ts';

/** Writes the gradient of the filter to `dw`. */
export function filterGradient(
  attached: AttachedKernels,
  info: backend_util.Conv2DInfo,
  x: TensorInfo,
  dy: TensorInfo,
  dw: TensorInfo,
): void {
  const { kernels, address } = attached;
  const { at, work } = placeGeometry(attached, geometryOf(info), kernels.filterGradientBytes);
  kernels.filterGradient(at, address(x), address(dy), address(dw), work);
}

/** Writes the gradient of the input to `dx`. */
export function inputGradient(
  attached: AttachedKernels,
  info: backend_util.Conv2DInfo,
  dy: TensorInfo,
  filter: TensorInfo,
  dx: TensorInfo,
): void {
  const { kernels, address } = attached;
  const { at, work } = placeGeometry(attached, geometryOf(info), kernels.inputGradientBytes);
  kernels.inputGradient(at, address(dy), address(filter), address(dx), work);
}
