/**
 * Convolutions with `same` padding on the wasm engine, where a stride exceeds the filter's size: the stock kernels
 * return zeros. The padding is handed over in numbers instead, which they honour.
 */
import {
  backend_util,
  Conv2D,
  DepthwiseConv2dNative,
  FusedConv2D,
  FusedDepthwiseConv2D,
} from '@tensorflow/tfjs-core';
import type { Conv2DAttrs, KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { wrapKernel } from './wrap-kernel.ts';

const names = [
  { kernelName: Conv2D, depthwise: false },
  { kernelName: FusedConv2D, depthwise: false },
  { kernelName: DepthwiseConv2dNative, depthwise: true },
  { kernelName: FusedDepthwiseConv2D, depthwise: true },
];

/** The repaired kernels, around the stock ones; empty where they are in place or the engine is not there. */
export function samePaddingKernels(): readonly KernelConfig[] {
  return names.flatMap(({ kernelName, depthwise }) =>
    wrapKernel(kernelName, 'same padding', (stock) => (params) => {
      const attrs = params.attrs as unknown as Conv2DAttrs;
      if (attrs.pad !== 'same') return stock(params);
      const { x, filter } = params.inputs as { x: TensorInfo; filter: TensorInfo };
      const pad = paddingInNumbers(x.shape, filter.shape, attrs, depthwise);
      return stock({ ...params, attrs: { ...params.attrs, pad } });
    }),
  );
}

type Shape4 = [number, number, number, number];

function paddingInNumbers(
  xShape: number[],
  filterShape: number[],
  { strides, dilations, dimRoundingMode }: Conv2DAttrs,
  depthwise: boolean,
): backend_util.ExplicitPadding {
  const info = backend_util.computeConv2DInfo(
    xShape as Shape4,
    filterShape as Shape4,
    strides,
    dilations ?? 1, // depthwise layers hand over null
    'same',
    dimRoundingMode,
    depthwise,
  );
  const { top, bottom, left, right } = info.padInfo;
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
}
