/**
 * Reshapes and casts that change nothing, on the native engine: the values are shared, as identity shares them, where
 * the binding runs an operation of TensorFlow.
 */
import { Cast, Reshape, util } from '@tensorflow/tfjs-core';
import type { CastAttrs, KernelConfig, ReshapeAttrs, TensorInfo } from '@tensorflow/tfjs-core';
import { wrapKernel } from '../wrap-kernel.ts';

/** The kernels, around the stock ones; empty where they are in place or the engine is not there. */
export function nativeShareKernels(): readonly KernelConfig[] {
  const around = (
    kernelName: string,
    isSame: (x: TensorInfo, attrs: unknown) => boolean,
  ): readonly KernelConfig[] =>
    wrapKernel(
      kernelName,
      'share',
      (stock) => (params) => {
        const { x } = params.inputs as { x: TensorInfo };
        if (!isSame(x, params.attrs)) return stock(params);
        const { dataId, shape, dtype } = x;
        (params.backend as { incRef(dataId: object): void }).incRef(dataId);
        return { dataId, shape, dtype };
      },
      'tensorflow',
    );
  return [
    ...around(Reshape, ({ shape }, attrs) => util.arraysEqual(shape, (attrs as ReshapeAttrs).shape)),
    ...around(Cast, ({ dtype }, attrs) => dtype === (attrs as CastAttrs).dtype),
  ];
}
