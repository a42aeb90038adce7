/**
 * A tensor and a vector along its last axis, as a bias or a channel's scale, on the wasm engine: the stock kernels look up the
 * place of every number of a broadcast operand.
 */
import { Add, Multiply, Sub, Tile, util } from '@tensorflow/tfjs-core';
import type { KernelConfig, TensorInfo, TileAttrs } from '@tensorflow/tfjs-core';
import { hostOf } from '../repairs/host.ts';
import { aroundStock, type OwnKernel } from './around-stock.ts';

/** The kernels to register. */
export function rowOperationKernels(): readonly KernelConfig[] {
  return [
    ...aroundStock(Add, rowOperation(0, true)),
    ...aroundStock(Sub, rowOperation(1, false)),
    ...aroundStock(Multiply, rowOperation(2, true)),
    ...aroundStock(Tile, repeat),
  ];
}

function rowOperation(kind: number, commutes: boolean): OwnKernel {
  return ({ kernels, address }, { inputs, backend }) => {
    const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
    const [x, v] = isRowOf(b, a) ? [a, b] : commutes && isRowOf(a, b) ? [b, a] : [];
    if (!x || !v) return undefined;
    const y = hostOf(backend).allocate(x.shape, 'float32');
    const n = x.shape.at(-1)!;
    kernels.rowOperation(kind, util.sizeFromShape(x.shape) / n, n, address(x), address(v), address(y));
    return y;
  };
}

/** Whether `v` is a vector of 4 or more along the last axis of `x`, and neither is empty. */
function isRowOf(v: TensorInfo, x: TensorInfo): boolean {
  const n = x.shape.at(-1);
  return (
    n !== undefined &&
    n >= 4 &&
    v.shape.at(-1) === n &&
    v.shape.length <= x.shape.length &&
    util.sizeFromShape(v.shape) === n &&
    util.sizeFromShape(x.shape) > n &&
    x.dtype === 'float32' &&
    v.dtype === 'float32'
  );
}

/** Repeats along leading axes of size 1. */
const repeat: OwnKernel = ({ kernels, address }, { inputs, attrs, backend }) => {
  const { x } = inputs as { x: TensorInfo };
  const { reps } = attrs as unknown as TileAttrs;
  const n = util.sizeFromShape(x.shape);
  const leading = x.shape.findIndex((size) => size !== 1);
  const kept = leading < 0 ? [] : reps.slice(leading);
  if (x.dtype !== 'float32' || n === 0 || kept.some((count) => count !== 1)) return undefined;
  const y = hostOf(backend).allocate(
    x.shape.map((size, axis) => size * reps[axis]!),
    'float32',
  );
  kernels.repeatRow(util.sizeFromShape(reps), n, address(x), address(y));
  return y;
};
