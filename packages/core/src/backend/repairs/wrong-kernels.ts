/**
 * Kernels of the stock wasm engine that return wrong numbers and are not repaired here: they refuse, so that
 * nobody trains on them unawares.
 */
import { Conv3DBackpropInputV2, MaxPoolWithArgmax } from '@tensorflow/tfjs-core';
import type { KernelConfig } from '@tensorflow/tfjs-core';
import { UnsupportedModelError } from '../../errors.ts';

/** The refusing kernels. */
export const wrongKernels: readonly KernelConfig[] = [
  refusal(Conv3DBackpropInputV2, 'a transposed 3-D convolution and the input gradient of a 3-D convolution'),
  refusal(MaxPoolWithArgmax, 'the maxima of windows without a positive value'),
];

function refusal(kernelName: string, wrong: string): KernelConfig {
  return {
    kernelName,
    backendName: 'wasm',
    kernelFunc: () => {
      throw new UnsupportedModelError(
        `backend.${kernelName}: the wasm engine computes ${wrong} wrongly. Run this model on another engine, ` +
          "for example useBackend('cpu').",
      );
    },
  };
}
