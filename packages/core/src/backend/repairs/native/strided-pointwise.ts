/**
 * The filter gradient of a strided 1×1 convolution on the native engine: on two threads oneDNN's kernel writes past its
 * memory, which ends the process sooner or later. The pixels between the strides count for nothing, so they are left out
 * first, and the stride is 1.
 */
import { Conv2DBackpropFilter, getKernel, StridedSlice } from '@tensorflow/tfjs-core';
import type { Conv2DBackpropFilterAttrs, KernelConfig, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { wrapKernel } from '../wrap-kernel.ts';

/** The kernel, around the stock one; empty where it is in place or the engine is not there. */
export function stridedPointwiseKernels(): readonly KernelConfig[] {
  return wrapKernel(
    Conv2DBackpropFilter,
    'strided 1×1',
    (present) => (params) => {
      const { strides, dataFormat, filterShape } = params.attrs as unknown as Conv2DBackpropFilterAttrs;
      const [down, across] = typeof strides === 'number' ? [strides, strides] : strides;
      const [height, width] = filterShape;
      if (dataFormat !== 'NHWC' || height * width > 1 || down * across === 1) return present(params);
      const { x } = params.inputs as { x: TensorInfo };
      const masks = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
      const attrs = { begin: [0, 0, 0, 0], end: x.shape, strides: [1, down, across, 1], ...masks };
      const kept = getKernel(StridedSlice, 'tensorflow').kernelFunc({
        inputs: { x },
        attrs: attrs,
        backend: params.backend,
      }) as Tensor;
      const dw = present({
        ...params,
        inputs: { ...params.inputs, x: kept },
        attrs: { ...params.attrs, strides: [1, 1], pad: 'valid' },
      });
      kept.dispose();
      return dw;
    },
    'tensorflow',
  );
}
