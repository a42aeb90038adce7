/**
 * The matrix product that everything else is built from: C += α·A·B, operands packed into panels that stay in cache (Goto and
 * van de Geijn 2008). Packing reads through two strides, so that transposes and sub-blocks cost nothing more.
 */
import { kernelsOf } from './arena.ts';
import * as plain from './plain-product.ts';

/** Where a matrix lies in an array: element (i, j) is `values[offset + i * rowStride + j * columnStride]`. */
export interface Block {
  readonly values: Float64Array;
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** A block of a row-major array. */
export function block(values: Float64Array, offset: number, rowStride: number): Block {
  return { values, offset, rowStride, columnStride: 1 };
}

/** The same numbers with rows and columns exchanged. */
export function transposed({ values, offset, rowStride, columnStride }: Block): Block {
  return { values, offset, rowStride: columnStride, columnStride: rowStride };
}

/** `c[cOffset + i * cStride + j] += alpha * Σ_k a(i, k) b(k, j)` for i < m, j < n. C must not overlap A or B. */
export function addProduct(
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: Block,
  b: Block,
  c: Float64Array,
  cOffset: number,
  cStride: number,
): void {
  const kernels = kernelsOf(a.values, b.values, c);
  if (!kernels) plain.addProduct(m, n, k, alpha, a, b, c, cOffset, cStride);
  else {
    kernels.addProduct(
      m,
      n,
      k,
      alpha,
      a.values.byteOffset + 8 * a.offset,
      8 * a.rowStride,
      8 * a.columnStride,
      b.values.byteOffset + 8 * b.offset,
      8 * b.rowStride,
      8 * b.columnStride,
      c.byteOffset + 8 * cOffset,
      8 * cStride,
    );
  }
}
