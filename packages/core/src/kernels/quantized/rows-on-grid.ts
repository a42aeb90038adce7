import { backend, engine, type Tensor } from '@tensorflow/tfjs-core';
import { hostOf } from '../../backend/repairs/host.ts';
import { kernelsOf } from '../../backend/wasm-kernels/attach.ts';

/** Multiples of `scale` from `low` to `high`, in steps. */
export interface RowGrid {
  /** Distance of neighbouring points, > 0. */
  readonly scale: number;
  /** The lowest point, in steps. */
  readonly low: number;
  /** The highest point, in steps. */
  readonly high: number;
}

/**
 * Numbers rounded to a grid, min(max(round(x / scale), low), high) · scale, halves to even: in one pass over them, where the wasm engine is in
 * use with our kernels.
 *
 * @param x float32. Nothing is remembered for a gradient.
 * @param rows Parts of equal length that it has.
 * @param grid Default for each row one of its own, of scale max |x| / 127.
 * @returns Undefined on other engines.
 */
export function rowsOnGrid(x: Tensor, rows: number, grid?: RowGrid): Tensor | undefined {
  const attached = kernelsOf(backend());
  if (!attached || x.dtype !== 'float32' || x.size === 0) return undefined;
  const y = engine().makeTensorFromTensorInfo(hostOf(backend()).allocate(x.shape, 'float32'));
  const { scale, low, high } = grid ?? { scale: 0, low: -Infinity, high: Infinity };
  const { kernels, address } = attached;
  kernels.gridRows(rows, x.size / rows, address(x), scale, low, high, address(y));
  return y;
}
