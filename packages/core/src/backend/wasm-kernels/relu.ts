/** Relu and relu6 on the wasm engine: unlike the stock kernels they keep NaN, and threads share them. */
import { Relu, Relu6, util } from '@tensorflow/tfjs-core';
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { hostOf } from '../repairs/host.ts';
import { aroundStock, type OwnKernel } from './around-stock.ts';

/** The kernels to register. */
export function reluKernels(): readonly KernelConfig[] {
  return [...aroundStock(Relu, within(Infinity)), ...aroundStock(Relu6, within(6))];
}

function within(high: number): OwnKernel {
  return ({ kernels, address }, { inputs, backend }) => {
    const { x } = inputs as { x: TensorInfo };
    if (x.dtype !== 'float32') return undefined;
    const y = hostOf(backend).allocate(x.shape, 'float32');
    kernels.keepWithin(util.sizeFromShape(x.shape), address(x), address(y), 0, high);
    return y;
  };
}
