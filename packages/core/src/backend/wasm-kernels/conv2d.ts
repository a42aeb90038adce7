/** Convolutions on the wasm engine by our own product, bias and relu in one pass after it. */
import { backend_util, Conv2D, FusedConv2D } from '@tensorflow/tfjs-core';
import type { FusedConv2DAttrs, KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { hostOf } from '../repairs/host.ts';
import { aroundStock, type OwnKernel } from './around-stock.ts';
import { rangeOf } from './activation-range.ts';
import { geometryOf, placeGeometry } from './geometry.ts';
import { sparseConv2d } from './sparse-product.ts';
import { sparseWeightsOf } from './sparse-weights.ts';

/** The kernels to register. */
export function conv2dKernels(): readonly KernelConfig[] {
  return [...aroundStock(Conv2D, convolution), ...aroundStock(FusedConv2D, convolution)];
}

const convolution: OwnKernel = (attached, { inputs, attrs, backend }) => {
  const { x, filter, bias, preluActivationWeights } = inputs as Record<string, TensorInfo | undefined>;
  const { strides, pad, dataFormat, dilations, dimRoundingMode, activation } = attrs as unknown as Partial<
    Pick<FusedConv2DAttrs, 'activation'>
  > &
    FusedConv2DAttrs;
  const range = rangeOf(activation);
  if (!range || preluActivationWeights || (dataFormat ?? 'NHWC') !== 'NHWC') return undefined;
  if (x!.dtype !== 'float32' || filter!.dtype !== 'float32') return undefined;
  const info = backend_util.computeConv2DInfo(
    ...([
      x!.shape as Shape4,
      filter!.shape as Shape4,
      strides,
      dilations ?? 1,
      pad,
      dimRoundingMode,
    ] as const),
  );
  if (bias && (bias.dtype !== 'float32' || bias.shape.at(-1) !== info.outChannels)) return undefined;
  const y = hostOf(backend).allocate(info.outShape, 'float32');
  const { kernels, address } = attached;
  const sparse = sparseWeightsOf(filter!, info.batchSize);
  if (sparse) {
    sparseConv2d(attached, sparse.weights, sparse.form, info, x!, y, { bias, range });
    return y;
  }
  const { at, work } = placeGeometry(attached, geometryOf(info), kernels.convolveBytes);
  kernels.convolve(at, address(x!), address(filter!), address(y), work);
  if (bias || activation) {
    const rows = info.batchSize * info.outHeight * info.outWidth;
    kernels.finish(rows, info.outChannels, address(y), bias ? address(bias) : 0, ...range);
  }
  return y;
};

type Shape4 = [number, number, number, number];
