import { type backend_util } from '@tensorflow/tfjs-core';
import { GEOMETRY_BYTES, writeGeometry, type Conv2dGeometry } from '../../kernels/conv2d-geometry.ts';
import type { AttachedKernels } from './attach.ts';

/** The geometry of a convolution as tfjs-core describes it. */
export function geometryOf(info: backend_util.Conv2DInfo): Conv2dGeometry {
  return {
    batch: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    channels: info.inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    outChannels: info.outChannels,
    filterHeight: info.filterHeight,
    filterWidth: info.filterWidth,
    strideHeight: info.strideHeight,
    strideWidth: info.strideWidth,
    dilationHeight: info.dilationHeight,
    dilationWidth: info.dilationWidth,
    top: info.padInfo.top,
    left: info.padInfo.left,
  };
}

/** Writes a geometry in front of a workspace of the size that a kernel asks for, and returns where both begin. */
export function placeGeometry(
  { memory, workspace }: Pick<AttachedKernels, 'memory' | 'workspace'>,
  geometry: Conv2dGeometry,
  bytes: (geometry: number) => number,
): { at: number; work: number } {
  const first = workspace(GEOMETRY_BYTES);
  writeGeometry(memory, first, geometry);
  const at = workspace(GEOMETRY_BYTES + bytes(first)); // may be elsewhere
  writeGeometry(memory, at, geometry);
  return { at, work: at + GEOMETRY_BYTES };
}
