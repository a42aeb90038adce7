/** Products of a few contiguous rows with a vector: by the kernels for arrays in their memory, else in plain TypeScript. */
import { kernelsOf } from './arena.ts';
import * as plain from './plain-row-products.ts';

/** `out[outOffset + r] = Σ_j rows[offset + r * stride + j] * x[xOffset + j]` for r < count, j < length. */
export function rowsTimesVector(
  rows: Float64Array,
  offset: number,
  stride: number,
  count: number,
  x: Float64Array,
  xOffset: number,
  length: number,
  out: Float64Array,
  outOffset: number,
): void {
  const kernels = kernelsOf(rows, x, out);
  if (!kernels) plain.rowsTimesVector(rows, offset, stride, count, x, xOffset, length, out, outOffset);
  else {
    kernels.rowsTimesVector(
      rows.byteOffset + 8 * offset,
      8 * stride,
      count,
      x.byteOffset + 8 * xOffset,
      length,
      out.byteOffset + 8 * outOffset,
    );
  }
}

/** `y[yOffset + j] += alpha * Σ_r w[wOffset + r * wStride] * rows[offset + r * stride + j]` for r < count, j < length. */
export function addRows(
  rows: Float64Array,
  offset: number,
  stride: number,
  count: number,
  alpha: number,
  w: Float64Array,
  wOffset: number,
  wStride: number,
  y: Float64Array,
  yOffset: number,
  length: number,
): void {
  const kernels = kernelsOf(rows, w, y);
  if (!kernels) {
    plain.addRows(rows, offset, stride, count, alpha, w, wOffset, wStride, y, yOffset, length);
  } else {
    kernels.addRows(
      rows.byteOffset + 8 * offset,
      8 * stride,
      count,
      alpha,
      w.byteOffset + 8 * wOffset,
      8 * wStride,
      y.byteOffset + 8 * yOffset,
      length,
    );
  }
}

/** `rows[offset + r * stride + j] += alpha * w[wOffset + r] * x[xOffset + j]` for r < count, j < length. */
export function addOuter(
  rows: Float64Array,
  offset: number,
  stride: number,
  count: number,
  alpha: number,
  w: Float64Array,
  wOffset: number,
  x: Float64Array,
  xOffset: number,
  length: number,
): void {
  const kernels = kernelsOf(rows, w, x);
  if (!kernels) plain.addOuter(rows, offset, stride, count, alpha, w, wOffset, x, xOffset, length);
  else {
    kernels.addOuter(
      rows.byteOffset + 8 * offset,
      8 * stride,
      count,
      alpha,
      w.byteOffset + 8 * wOffset,
      x.byteOffset + 8 * xOffset,
      length,
    );
  }
}

// Below this the way to the kernel costs more than it saves.
const shortRow = 32;

/** Turns two rows: `(x, y) ← (c x + s y, c y − s x)`. */
export function rotateRows(
  values: Float64Array,
  xOffset: number,
  yOffset: number,
  length: number,
  c: number,
  s: number,
): void {
  const kernels = length < shortRow ? undefined : kernelsOf(values, values, values);
  if (!kernels) plain.rotateRows(values, xOffset, yOffset, length, c, s);
  else kernels.rotateRows(values.byteOffset + 8 * xOffset, values.byteOffset + 8 * yOffset, length, c, s);
}
