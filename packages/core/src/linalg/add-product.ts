/**
 * The matrix product that everything else is built from: C += α·A·B, operands packed into panels of four rows and
 * four columns that stay in cache, products gathered in a register tile (Goto and van de Geijn 2008). Packing reads
 * through two strides, so that transposes and sub-blocks cost nothing more.
 */

import { depth, height, makePanelKernel, tile, width } from './panel-kernel.ts';
import type { PanelKernel } from './panel-kernel.ts';

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

let kernel: PanelKernel | undefined;

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
  kernel ??= makePanelKernel();
  const { a: packedA, b: packedB, c: panelC } = kernel;
  for (let j0 = 0; j0 < n; j0 += width) {
    const nj = Math.min(width, n - j0);
    for (let k0 = 0; k0 < k; k0 += depth) {
      const nk = Math.min(depth, k - k0);
      pack(
        packedB,
        b.values,
        b.offset + k0 * b.rowStride + j0 * b.columnStride,
        b.columnStride,
        b.rowStride,
        nj,
        nk,
      );
      for (let i0 = 0; i0 < m; i0 += height) {
        const ni = Math.min(height, m - i0);
        pack(
          packedA,
          a.values,
          a.offset + i0 * a.rowStride + k0 * a.columnStride,
          a.rowStride,
          a.columnStride,
          ni,
          nk,
        );
        kernel.multiply(ni, nj, nk);
        addPanel(panelC, ni, nj, alpha, c, cOffset + i0 * cStride + j0, cStride);
      }
    }
  }
}

/** Lines `count` of `length` numbers each, in panels of four: the four lines' first numbers, then their second, … */
function pack(
  panels: Float64Array,
  values: Float64Array,
  offset: number,
  lineStride: number,
  stride: number,
  count: number,
  length: number,
): void {
  let to = 0;
  let line = 0;
  for (; line + tile <= count; line += tile) {
    let p0 = offset + line * lineStride;
    let p1 = p0 + lineStride;
    let p2 = p1 + lineStride;
    let p3 = p2 + lineStride;
    for (let i = 0; i < length; i++) {
      panels[to] = values[p0]!;
      panels[to + 1] = values[p1]!;
      panels[to + 2] = values[p2]!;
      panels[to + 3] = values[p3]!;
      to += tile;
      p0 += stride;
      p1 += stride;
      p2 += stride;
      p3 += stride;
    }
  }
  if (line === count) return;
  for (let i = 0; i < length; i++) {
    for (let l = 0; l < tile; l++) {
      panels[to++] = line + l < count ? values[offset + (line + l) * lineStride + i * stride]! : 0;
    }
  }
}

function addPanel(
  panel: Float64Array,
  m: number,
  n: number,
  alpha: number,
  c: Float64Array,
  cOffset: number,
  cStride: number,
): void {
  for (let i = 0; i < m; i++) {
    const from = i * width;
    const to = cOffset + i * cStride;
    for (let j = 0; j < n; j++) c[to + j]! += alpha * panel[from + j]!;
  }
}
