/**
 * Cast to bool on the wasm engine: whatever is not 0 is true. The stock kernel stores the low byte of the
 * number's whole part, so that 0.5 and 256 come out false and -2 as 254.
 */
import { Cast, getKernel } from '@tensorflow/tfjs-core';
import type { CastAttrs, KernelConfig, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { hostOf } from './host.ts';

/** The repaired kernel, around the stock one; empty where it is in place or the engine is not there. */
export function castKernels(): readonly KernelConfig[] {
  const stock = getKernel(Cast, 'wasm');
  if (!stock || repaired.has(stock.kernelFunc)) return [];
  const kernelFunc: KernelFunc = (params) => {
    const { x } = params.inputs as { x: TensorInfo };
    const { dtype } = params.attrs as unknown as CastAttrs;
    if (dtype !== 'bool' || x.dtype === 'bool') return stock.kernelFunc(params);
    const host = hostOf(params.backend);
    const result = host.allocate(x.shape, 'bool');
    const [from, to] = [host.view(x), host.view(result)];
    for (let i = 0; i < from.length; i++) to[i] = from[i] === 0 ? 0 : 1;
    return result;
  };
  repaired.add(kernelFunc);
  return [{ ...stock, kernelFunc }];
}

const repaired = new WeakSet<KernelFunc>();
