/** Sums and means over leading axes on the wasm engine, as of a bias's gradient: the stock kernels transpose first. */
import { Mean, Sum, util } from '@tensorflow/tfjs-core';
import type { KernelConfig, SumAttrs, TensorInfo } from '@tensorflow/tfjs-core';
import { hostOf } from '../repairs/host.ts';
import { aroundStock, type OwnKernel } from './around-stock.ts';

/** The kernels to register. */
export function sumKernels(): readonly KernelConfig[] {
  return [
    ...aroundStock(
      Sum,
      overLeadingAxes(() => 1),
    ),
    ...aroundStock(
      Mean,
      overLeadingAxes((rows) => 1 / rows),
    ),
  ];
}

/** @param factor What sums of so many rows are multiplied by. */
function overLeadingAxes(factor: (rows: number) => number): OwnKernel {
  return (attached, { inputs, attrs, backend }) => {
    const { x } = inputs as { x: TensorInfo };
    const { axis, keepDims } = attrs as unknown as SumAttrs;
    if (x.dtype !== 'float32') return undefined;
    const axes = util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
    const leading = axes.length > 0 && axes.length < x.shape.length && axes.every((a, i) => a === i);
    if (!leading) return undefined;
    const rows = util.sizeFromShape(x.shape.slice(0, axes.length));
    const rest = x.shape.slice(axes.length);
    const n = util.sizeFromShape(rest);
    const host = hostOf(backend);
    const sums = host.allocate(keepDims ? [...axes.map(() => 1), ...rest] : rest, 'float32');
    if (n === 0) return sums;
    const { kernels, address, workspace } = attached;
    const work = workspace(kernels.columnSumsBytes(n));
    kernels.columnSums(rows, n, address(x), address(sums), work);
    const scale = factor(rows);
    if (scale !== 1) {
      const values = host.view(sums);
      for (let c = 0; c < n; c++) values[c]! *= scale;
    }
    return sums;
  };
}
