/**
 * Cast to bool on the wasm engine: whatever is not 0 is true. The stock kernel stores the low byte of the
 * number's whole part, so that 0.5 and 256 come out false and -2 as 254.
 */
import { Cast } from '@tensorflow/tfjs-core';
import type { CastAttrs, KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { hostOf } from './host.ts';
import { wrapKernel } from './wrap-kernel.ts';

/** The repaired kernel, around the stock one; empty where it is in place or the engine is not there. */
export function castKernels(): readonly KernelConfig[] {
  return wrapKernel(Cast, 'to bool', (stock) => (params) => {
    const { x } = params.inputs as { x: TensorInfo };
    const { dtype } = params.attrs as unknown as CastAttrs;
    if (dtype !== 'bool' || x.dtype === 'bool') return stock(params);
    const host = hostOf(params.backend);
    const result = host.allocate(x.shape, 'bool');
    const [from, to] = [host.view(x), host.view(result)];
    for (let i = 0; i < from.length; i++) to[i] = from[i] === 0 ? 0 : 1;
    return result;
  });
}
