/**
 * Padding given as one number. tfjs-core takes the filter's height and the vertical stride for both axes of the
 * output, so that a filter or stride that is not square gets an output of the wrong width, and with it wrong
 * gradients. The number is handed over axis by axis instead, which it reads rightly.
 */
import {
  AvgPool,
  AvgPoolGrad,
  Conv2D,
  Conv2DBackpropFilter,
  Conv2DBackpropInput,
  DepthwiseConv2dNative,
  DepthwiseConv2dNativeBackpropFilter,
  DepthwiseConv2dNativeBackpropInput,
  FusedConv2D,
  FusedDepthwiseConv2D,
  MaxPool,
  MaxPoolGrad,
} from '@tensorflow/tfjs-core';
import type { KernelConfig } from '@tensorflow/tfjs-core';
import { wrapKernel } from './wrap-kernel.ts';

const names = [
  ...[Conv2D, FusedConv2D, Conv2DBackpropInput, Conv2DBackpropFilter],
  ...[DepthwiseConv2dNative, FusedDepthwiseConv2D],
  ...[DepthwiseConv2dNativeBackpropInput, DepthwiseConv2dNativeBackpropFilter],
  ...[MaxPool, AvgPool, MaxPoolGrad, AvgPoolGrad],
];

const engines = ['tensorflow', 'wasm', 'cpu', 'webgl', 'webgpu'];

/** The repaired kernels, around the present ones; empty where they are in place. */
export function numericPaddingKernels(): readonly KernelConfig[] {
  return engines.flatMap((engine) =>
    names.flatMap((name) =>
      wrapKernel(
        name,
        'numeric padding by axis',
        (present) => (params) => {
          const { pad, dataFormat } = params.attrs as { pad?: unknown; dataFormat?: unknown };
          if (typeof pad !== 'number') return present(params);
          const both = [pad, pad];
          const none = [0, 0];
          const byAxis = dataFormat === 'NCHW' ? [none, none, both, both] : [none, both, both, none];
          return present({ ...params, attrs: { ...params.attrs, pad: byAxis } });
        },
        engine,
      ),
    ),
  );
}
