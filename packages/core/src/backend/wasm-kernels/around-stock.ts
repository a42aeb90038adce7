import type { KernelConfig, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { wrapKernel } from '../repairs/wrap-kernel.ts';
import { kernelsOf, type AttachedKernels } from './attach.ts';

/** Computes with our kernels, or returns undefined to leave it to the stock kernel. */
export type OwnKernel = (
  attached: AttachedKernels,
  params: Parameters<KernelFunc>[0],
) => TensorInfo | undefined;

/** A kernel of the wasm engine that is ours where our kernels are attached and it can be. */
export function aroundStock(kernelName: string, own: OwnKernel): readonly KernelConfig[] {
  return wrapKernel(kernelName, 'own kernels', (stock) => (params) => {
    const attached = kernelsOf(params.backend);
    return (attached && own(attached, params)) ?? stock(params);
  });
}
