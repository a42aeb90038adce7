/**
 * C += α·A·B in plain TypeScript, the oracle of the kernel: operands packed into panels of four rows and four columns that
 * stay in cache, a 4 × 4 tile of products at a time in local variables (Goto and van de Geijn 2008).
 */
import type { Block } from './add-product.ts';

const tile = 4;
const height = 64;
const width = 256;
/** How many products are summed before they reach C: the kernel's as well, since it decides the rounding. */
const depth = 256;

let panels: { readonly a: Float64Array; readonly b: Float64Array; readonly c: Float64Array } | undefined;

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
  panels ??= {
    a: new Float64Array(height * depth),
    b: new Float64Array(width * depth),
    c: new Float64Array(height * width),
  };
  const { a: packedA, b: packedB, c: panelC } = panels;
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
        for (let i = 0; i < ni; i += tile) {
          for (let j = 0; j < nj; j += tile) {
            multiplyTile(nk, packedA, i * nk, packedB, j * nk, panelC, i * width + j);
          }
        }
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

function multiplyTile(
  k: number,
  a: Float64Array,
  aOffset: number,
  b: Float64Array,
  bOffset: number,
  c: Float64Array,
  cOffset: number,
): void {
  let c00 = 0;
  let c01 = 0;
  let c02 = 0;
  let c03 = 0;
  let c10 = 0;
  let c11 = 0;
  let c12 = 0;
  let c13 = 0;
  let c20 = 0;
  let c21 = 0;
  let c22 = 0;
  let c23 = 0;
  let c30 = 0;
  let c31 = 0;
  let c32 = 0;
  let c33 = 0;
  let p = aOffset;
  let q = bOffset;
  for (let step = 0; step < k; step++) {
    const b0 = b[q]!;
    const b1 = b[q + 1]!;
    const b2 = b[q + 2]!;
    const b3 = b[q + 3]!;
    const a0 = a[p]!;
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    c03 += a0 * b3;
    const a1 = a[p + 1]!;
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
    const a2 = a[p + 2]!;
    c20 += a2 * b0;
    c21 += a2 * b1;
    c22 += a2 * b2;
    c23 += a2 * b3;
    const a3 = a[p + 3]!;
    c30 += a3 * b0;
    c31 += a3 * b1;
    c32 += a3 * b2;
    c33 += a3 * b3;
    p += 4;
    q += 4;
  }
  let r = cOffset;
  c[r] = c00;
  c[r + 1] = c01;
  c[r + 2] = c02;
  c[r + 3] = c03;
  r += width;
  c[r] = c10;
  c[r + 1] = c11;
  c[r + 2] = c12;
  c[r + 3] = c13;
  r += width;
  c[r] = c20;
  c[r + 1] = c21;
  c[r + 2] = c22;
  c[r + 3] = c23;
  r += width;
  c[r] = c30;
  c[r + 1] = c31;
  c[r + 2] = c32;
  c[r + 3] = c33;
}
