/**
 * Convolutions of one input channel whose output is one column wide, on the native engine: where the horizontal stride
 * exceeds the vertical one, oneDNN's kernel returns wrong numbers from the second image of a batch on. With one column
 * the horizontal stride means nothing, so the vertical one is handed over in its place, with the input cut or padded to
 * the filter's width.
 */
import { backend_util, Conv2D, FusedConv2D, getKernel, Slice } from '@tensorflow/tfjs-core';
import type { Conv2DAttrs, KernelConfig, NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { wrapKernel } from '../wrap-kernel.ts';

type Shape4 = [number, number, number, number];

/** The kernels, around the stock ones; empty where they are in place or the engine is not there. */
export function oneColumnKernels(): readonly KernelConfig[] {
  return [Conv2D, FusedConv2D].flatMap((kernelName) =>
    wrapKernel(
      kernelName,
      'one column',
      (stock) => (params) => {
        const { x, filter } = params.inputs as { x: TensorInfo; filter: TensorInfo };
        const attrs = params.attrs as unknown as Conv2DAttrs;
        const { strides, pad, dataFormat, dilations, dimRoundingMode } = attrs;
        if (dataFormat !== 'NHWC' || x.shape[3] !== 1) return stock(params);
        const [shape, filterShape] = [x.shape as Shape4, filter.shape as Shape4];
        const info = backend_util.computeConv2DInfo(
          shape,
          filterShape,
          strides,
          dilations,
          pad,
          dimRoundingMode,
        );
        if (info.outWidth !== 1 || info.strideWidth <= info.strideHeight) return stock(params);
        const { top, bottom, left } = info.padInfo;
        const right = info.filterWidth - left - info.inWidth;
        const given: { x: TensorInfo; cut?: Tensor } = right < 0 ? cut(x, right, params.backend) : { x };
        const y = stock({
          ...params,
          inputs: { ...params.inputs, x: given.x },
          attrs: {
            ...params.attrs,
            strides: [info.strideHeight, info.strideHeight],
            pad: [
              [0, 0],
              [top, bottom],
              [left, Math.max(right, 0)],
              [0, 0],
            ],
          },
        });
        given.cut?.dispose();
        return y;
      },
      'tensorflow',
    ),
  );
}

/** Drops the last `-right` columns, which no window reaches. */
function cut(x: TensorInfo, right: number, backend: unknown): { x: TensorInfo; cut: Tensor } {
  const [batch, height, width, channels] = x.shape as Shape4;
  const attrs = {
    begin: [0, 0, 0, 0],
    size: [batch, height, width + right, channels],
  } as unknown as NamedAttrMap;
  const slice = getKernel(Slice, 'tensorflow').kernelFunc({
    inputs: { x },
    attrs,
    backend: backend as object,
  });
  return { x: slice as Tensor, cut: slice as Tensor };
}
