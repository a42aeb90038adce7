/**
 * The matrix product that everything else is built from: C += α·A·B, operands packed into panels of four rows and
 * four columns that stay in cache, products gathered in a register tile (Goto and van de Geijn 2008). Packing reads
 * through two strides, so that transposes and sub-blocks cost nothing more.
 */

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

const tile = 4;
const depth = 256;
const height = 64;
const width = 256;

let packedA = new Float64Array(0);
let packedB = new Float64Array(0);
const corner = new Float64Array(tile * tile);

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
  if (packedA.length === 0) {
    packedA = new Float64Array(height * depth);
    packedB = new Float64Array(width * depth);
  }
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
        addTiles(ni, nj, nk, alpha, packedA, packedB, c, cOffset + i0 * cStride + j0, cStride);
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

function addTiles(
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
  cOffset: number,
  cStride: number,
): void {
  for (let i = 0; i < m; i += tile) {
    for (let j = 0; j < n; j += tile) {
      if (i + tile <= m && j + tile <= n) {
        addTile(k, alpha, a, i * k, b, j * k, c, cOffset + i * cStride + j, cStride);
        continue;
      }
      corner.fill(0);
      addTile(k, alpha, a, i * k, b, j * k, corner, 0, tile);
      for (let di = 0; di < tile && i + di < m; di++) {
        const to = cOffset + (i + di) * cStride + j;
        for (let dj = 0; dj < tile && j + dj < n; dj++) c[to + dj]! += corner[di * tile + dj]!;
      }
    }
  }
}

function addTile(
  k: number,
  alpha: number,
  a: Float64Array,
  aOffset: number,
  b: Float64Array,
  bOffset: number,
  c: Float64Array,
  cOffset: number,
  cStride: number,
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
  c[r]! += alpha * c00;
  c[r + 1]! += alpha * c01;
  c[r + 2]! += alpha * c02;
  c[r + 3]! += alpha * c03;
  r += cStride;
  c[r]! += alpha * c10;
  c[r + 1]! += alpha * c11;
  c[r + 2]! += alpha * c12;
  c[r + 3]! += alpha * c13;
  r += cStride;
  c[r]! += alpha * c20;
  c[r + 1]! += alpha * c21;
  c[r + 2]! += alpha * c22;
  c[r + 3]! += alpha * c23;
  r += cStride;
  c[r]! += alpha * c30;
  c[r + 1]! += alpha * c31;
  c[r + 2]! += alpha * c32;
  c[r + 3]! += alpha * c33;
}
