/**
 * One-hot with a float dtype on the wasm engine: the stock kernel writes 32-bit integers whatever the dtype, so that
 * a float 1 reads as 1.4e-45.
 */
import { OneHot } from '@tensorflow/tfjs-core';
import type { KernelConfig, OneHotAttrs, TensorInfo } from '@tensorflow/tfjs-core';
import { hostOf } from './host.ts';

/** The repaired kernel. Indexes outside [0, depth) give a row of `offValue`, as on the other engines. */
export const oneHotKernels: readonly KernelConfig[] = [
  {
    kernelName: OneHot,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }): TensorInfo => {
      const { indices } = inputs as { indices: TensorInfo };
      const { dtype, depth, onValue, offValue } = attrs as unknown as OneHotAttrs;
      const host = hostOf(backend);
      const result = host.allocate([...indices.shape, depth], dtype);
      const [from, to] = [host.view(indices), host.view(result)];
      to.fill(offValue);
      for (const [row, index] of from.entries()) {
        if (index >= 0 && index < depth) to[row * depth + index] = onValue;
      }
      return result;
    },
  },
];
