import { getKernel } from '@tensorflow/tfjs-core';
import type { KernelConfig, KernelFunc } from '@tensorflow/tfjs-core';

/** What each of our kernels was put around, and for which purpose. */
const layers = new WeakMap<KernelFunc, { readonly purpose: string; readonly inner: KernelFunc }>();

/**
 * A kernel around the one that is registered, to register in its place.
 *
 * @param purpose A kernel is wrapped once for each, however often this is called.
 * @param backendName The engine. Default `wasm`.
 * @returns None where it is in place already, or the engine is not there.
 */
export function wrapKernel(
  kernelName: string,
  purpose: string,
  wrap: (inner: KernelFunc) => KernelFunc,
  backendName = 'wasm',
): readonly KernelConfig[] {
  const present = getKernel(kernelName, backendName);
  if (!present) return [];
  for (let layer = layers.get(present.kernelFunc); layer; layer = layers.get(layer.inner))
    if (layer.purpose === purpose) return [];
  const kernelFunc = wrap(present.kernelFunc);
  layers.set(kernelFunc, { purpose, inner: present.kernelFunc });
  return [{ ...present, kernelFunc }];
}

/** Whether `kernelFunc` is `present`, or what that was put around. */
export function isWithin(kernelFunc: KernelFunc, present: KernelFunc): boolean {
  for (let at: KernelFunc | undefined = present; at; at = layers.get(at)?.inner)
    if (at === kernelFunc) return true;
  return false;
}
