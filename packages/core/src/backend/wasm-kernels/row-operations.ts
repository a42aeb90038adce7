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

/** Repeats along neighbouring axes of size 1: the first ones, or some before rows of 16 or more. */
const repeat: OwnKernel = ({ kernels, address }, { inputs, attrs, backend }) => {
  const { x } = inputs as { x: TensorInfo };
  const { reps } = attrs as unknown as TileAttrs;
  const { shape } = x;
  const from = shape.findIndex((size, axis) => size === 1 && reps[axis] !== 1);
  const rest = from < 0 ? -1 : shape.findIndex((size, axis) => axis > from && size !== 1);
  const end = rest < 0 ? shape.length : rest;
  const n = util.sizeFromShape(from < 0 ? shape : shape.slice(end));
  const outer = n === 0 ? 0 : util.sizeFromShape(shape) / n;
  const elsewhere = reps.some((count, axis) => count !== 1 && (axis < from || axis >= end));
  if (x.dtype !== 'float32' || n === 0 || elsewhere || (outer > 1 && n < 16)) return undefined;
  const y = hostOf(backend).allocate(
    shape.map((size, axis) => size * reps[axis]!),
    'float32',
  );
  const count = util.sizeFromShape(reps);
  for (let i = 0; i < outer; i++)
    kernels.repeatRow(count, n, address(x) + 4 * i * n, address(y) + 4 * i * n * count);
  return y;
};
