/** The exponential and the error function on the wasm engine: the stock kernels take one number at a time. */
import { Erf, Exp, util } from '@tensorflow/tfjs-core';
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { hostOf } from '../repairs/host.ts';
import { aroundStock, type OwnKernel } from './around-stock.ts';

/** The kernels to register. */
export function functionKernels(): readonly KernelConfig[] {
  return [...aroundStock(Exp, each('exponential')), ...aroundStock(Erf, each('errorFunction'))];
}

function each(kernel: 'exponential' | 'errorFunction'): OwnKernel {
  return ({ kernels, address }, { inputs, backend }) => {
    const { x } = inputs as { x: TensorInfo };
    if (x.dtype !== 'float32') return undefined;
    const y = hostOf(backend).allocate(x.shape, 'float32');
    kernels[kernel](util.sizeFromShape(x.shape), address(x), address(y));
    return y;
  };
}
