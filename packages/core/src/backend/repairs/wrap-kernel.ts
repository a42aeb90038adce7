import { getKernel } from '@tensorflow/tfjs-core';
import type { KernelConfig, KernelFunc } from '@tensorflow/tfjs-core';

/** What each of our kernels was put around, and for which purpose. */
const layers = new WeakMap<KernelFunc, { readonly purpose: string; readonly inner: KernelFunc }>();

/**
 * A kernel of the wasm engine around the one that is registered, to register in its place.
 *
 * @param purpose A kernel is wrapped once for each, however often this is called.
 * @returns None where it is in place already, or the engine is not there.
 */
export function wrapKernel(
  kernelName: string,
  purpose: string,
  wrap: (inner: KernelFunc) => KernelFunc,
): readonly KernelConfig[] {
  const present = getKernel(kernelName, 'wasm');
  if (!present) return [];
  for (let layer = layers.get(present.kernelFunc); layer; layer = layers.get(layer.inner))
    if (layer.purpose === purpose) return [];
  const kernelFunc = wrap(present.kernelFunc);
  layers.set(kernelFunc, { purpose, inner: present.kernelFunc });
  return [{ ...present, kernelFunc }];
}
