/** Batch normalisation along the last axis on the wasm engine, in one pass, and the two sums of its gradient in another. */
import { FusedBatchNorm, util } from '@tensorflow/tfjs-core';
import type { FusedBatchNormAttrs, KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { hostOf } from '../repairs/host.ts';
import { aroundStock } from './around-stock.ts';
import { kernelsOf } from './attach.ts';

/** Σ dy and Σ dy·(x − mean) of each channel, as `[2, channels]`: a kernel of ours, on the wasm engine alone. */
export const NORMAL_SUMS = 'OckhamNormalSums';

/** The kernels to register. */
export function batchNormKernels(): readonly KernelConfig[] {
  return aroundStock(
    FusedBatchNorm,
    ({ kernels, address, memory, workspace }, { inputs, attrs, backend }) => {
      const { x, mean, variance, offset, scale } = inputs as Record<string, TensorInfo | undefined>;
      const n = x!.shape.at(-1)!;
      const given = [mean!, variance!, offset, scale].filter((vector) => vector !== undefined);
      const plain = given.every(
        ({ shape, dtype }) => shape.length === 1 && shape[0] === n && dtype === 'float32',
      );
      if (!plain || x!.dtype !== 'float32' || x!.shape.length < 2 || n === 0) return undefined;
      const host = hostOf(backend);
      const y = host.allocate(x!.shape, 'float32');
      const work = workspace(8 * n);
      const [factors, offsets] = [
        new Float32Array(memory.buffer, work, n),
        new Float32Array(memory.buffer, work + 4 * n, n),
      ];
      const { varianceEpsilon } = attrs as unknown as FusedBatchNormAttrs;
      const spreads = host.view(variance!);
      const scales = scale && host.view(scale);
      for (let c = 0; c < n; c++) factors[c] = (scales?.[c] ?? 1) / Math.sqrt(spreads[c]! + varianceEpsilon);
      if (offset) offsets.set(host.view(offset));
      else offsets.fill(0);
      const rows = util.sizeFromShape(x!.shape) / n;
      kernels.normalise(rows, n, address(x!), address(mean!), work, work + 4 * n, address(y));
      return y;
    },
  );
}

/** The kernel {@link NORMAL_SUMS}, to be run where our kernels are attached only. */
export const normalSumsKernels: readonly KernelConfig[] = [
  {
    kernelName: NORMAL_SUMS,
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend }): TensorInfo => {
      const { dy, x, mean } = inputs as { dy: TensorInfo; x: TensorInfo; mean: TensorInfo };
      const n = mean.shape[0]!;
      const sums = hostOf(backend).allocate([2, n], 'float32');
      const { kernels, address, workspace } = kernelsOf(backend)!;
      const work = workspace(kernels.normalSumsBytes(n));
      const rows = util.sizeFromShape(x.shape) / Math.max(n, 1);
      kernels.normalSums(rows, n, address(dy), address(x), address(mean), address(sums), work);
      return sums;
    },
  },
];
