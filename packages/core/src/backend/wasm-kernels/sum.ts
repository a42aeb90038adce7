/**
 * Sums and means over neighbouring axes but the last on the wasm engine, as of a bias's gradient or of pooled tokens: the
 * stock kernels transpose first.
 */
import { Mean, Sum, util } from '@tensorflow/tfjs-core';
import type { KernelConfig, SumAttrs, TensorInfo } from '@tensorflow/tfjs-core';
import { hostOf } from '../repairs/host.ts';
import { aroundStock, type OwnKernel } from './around-stock.ts';

/** The kernels to register. */
export function sumKernels(): readonly KernelConfig[] {
  return [
    ...aroundStock(
      Sum,
      overRows(() => 1),
    ),
    ...aroundStock(
      Mean,
      overRows((rows) => 1 / rows),
    ),
  ];
}

/** @param factor What sums of so many rows are multiplied by. */
function overRows(factor: (rows: number) => number): OwnKernel {
  return (attached, { inputs, attrs, backend }) => {
    const { x } = inputs as { x: TensorInfo };
    const { axis, keepDims } = attrs as unknown as SumAttrs;
    if (x.dtype !== 'float32') return undefined;
    const axes = util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
    const first = axes[0] ?? 0;
    const end = first + axes.length;
    if (axes.length === 0 || end >= x.shape.length || axes.some((a, i) => a !== first + i)) return undefined;
    const outer = util.sizeFromShape(x.shape.slice(0, first));
    const rows = util.sizeFromShape(x.shape.slice(first, end));
    const n = util.sizeFromShape(x.shape.slice(end));
    if (outer > 1 && n < 16) return undefined;
    const host = hostOf(backend);
    const shape = x.shape.flatMap((size, a) => (a < first || a >= end ? [size] : keepDims ? [1] : []));
    const sums = host.allocate(shape, 'float32');
    if (n === 0 || outer === 0) return sums;
    const { kernels, address, workspace } = attached;
    const work = workspace(kernels.columnSumsBytes(n));
    for (let i = 0; i < outer; i++)
      kernels.columnSums(rows, n, address(x) + 4 * i * rows * n, address(sums) + 4 * i * n, work);
    const scale = factor(rows);
    if (scale !== 1) {
      const values = host.view(sums);
      for (let c = 0; c < values.length; c++) values[c]! *= scale;
    }
    return sums;
  };
}
