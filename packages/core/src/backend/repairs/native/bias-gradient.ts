/**
 * The sum over all axes but the last on the native engine, which is the gradient of a bias: TensorFlow has it as one
 * operation, faster than a reduction that is told its axes.
 */
import { Sum, util } from '@tensorflow/tfjs-core';
import type { KernelConfig, SumAttrs, TensorInfo } from '@tensorflow/tfjs-core';
import { wrapKernel } from '../wrap-kernel.ts';
import { executeOne } from './operation.ts';

/** The kernel, around the stock one; empty where it is in place or the engine is not there. */
export function biasGradientKernels(): readonly KernelConfig[] {
  return wrapKernel(
    Sum,
    'bias gradient',
    (stock) => (params) => {
      const { x } = params.inputs as { x: TensorInfo };
      const { axis, keepDims } = params.attrs as unknown as SumAttrs & { keepDims?: boolean };
      const axes = util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
      const { length } = x.shape;
      const bias = length >= 2 && axes.length === length - 1 && axes.every((a, i) => a === i);
      if (keepDims || !bias || x.dtype !== 'float32' || util.sizeFromShape(x.shape) === 0)
        return stock(params);
      const attributes = { T: ['type', 'float'], data_format: ['text', 'NHWC'] } as const;
      return executeOne(params.backend, 'BiasAddGrad', attributes, [x]);
    },
    'tensorflow',
  );
}
