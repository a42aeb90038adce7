/**
 * C (m × n) = or += A (m × k) · B (k × n), float32, in the blocked and packed form of Goto and van de Geijn 2008.
 *
 * B is packed into panels of 8 columns, A into panels of 6 rows; the innermost loop keeps a 6 × 8 tile of C in twelve
 * registers, or half of it in six. How A's elements are found is the packer's business: a matrix, its transpose, or the
 * patches of an image. Everything is addressed by byte offset: the module has no memory of its own.
 */
import { fma } from './fma';
import { HALF, MR, NR, storeHalf, storeTile } from './store-tile';

/** Depth of a block: a panel of B (8 columns) then takes 8 KB, half of the smallest first-level cache. */
export const KC: i32 = 256;
/** Rows of A packed at a time, a multiple of MR: 96 KB at most. */
export const MC: i32 = 96;
/** Columns of B packed at a time, a multiple of NR: 512 KB at most. */
export const NC: i32 = 512;

/** Packs `kc` rows of `nc` columns of row-major B, rows `ldb` apart, from (k0, j0). */
export function packB(b: usize, ldb: i32, k0: i32, kc: i32, j0: i32, nc: i32, to: usize): void {
  for (let j = 0; j < nc; j += NR) {
    const width = min(NR, nc - j);
    let from = b + (((k0 as usize) * (ldb as usize) + (j0 as usize) + (j as usize)) << 2);
    if (width == NR) {
      for (let p = 0; p < kc; p++) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        to += 32;
        from += (ldb as usize) << 2;
      }
    } else {
      for (let p = 0; p < kc; p++) {
        for (let x = 0; x < NR; x++) {
          store<f32>(to + ((x as usize) << 2), x < width ? load<f32>(from + ((x as usize) << 2)) : 0);
        }
        to += 32;
        from += (ldb as usize) << 2;
      }
    }
  }
}

/** Packs the same block of B where memory holds its transpose, n × k, rows `ldb` apart. */
export function packBTransposed(b: usize, ldb: i32, k0: i32, kc: i32, j0: i32, nc: i32, to: usize): void {
  const row = (ldb as usize) << 2;
  for (let j = 0; j < nc; j += NR) {
    const width = min(NR, nc - j);
    const from = b + (((j0 as usize) + (j as usize)) * (ldb as usize) + (k0 as usize) << 2);
    let p = 0;
    if (width == NR) {
      for (; p + 4 <= kc; p += 4) {
        const at = from + ((p as usize) << 2);
        transpose4(at, row, to, 32);
        transpose4(at + 4 * row, row, to + 16, 32);
        to += 128;
      }
    }
    for (; p < kc; p++) {
      const at = from + ((p as usize) << 2);
      for (let x = 0; x < NR; x++) {
        store<f32>(to + ((x as usize) << 2), x < width ? load<f32>(at + (x as usize) * row) : 0);
      }
      to += 32;
    }
  }
}

/** Packs `mc` rows of `kc` columns of row-major A, rows `lda` apart, from (i0, k0). */
export function packA(a: usize, lda: i32, i0: i32, mc: i32, k0: i32, kc: i32, to: usize): void {
  const row = (lda as usize) << 2;
  for (let i = 0; i < mc; i += MR) {
    const height = min(MR, mc - i);
    const from = a + (((i0 as usize) + (i as usize)) * (lda as usize) + (k0 as usize) << 2);
    let p = 0;
    if (height == MR) {
      for (; p + 4 <= kc; p += 4) {
        transpose6(
          from + ((p as usize) << 2), row, to,
        );
        to += 96;
      }
    }
    for (; p < kc; p++) {
      const at = from + ((p as usize) << 2);
      for (let y = 0; y < MR; y++) {
        store<f32>(to + ((y as usize) << 2), y < height ? load<f32>(at + (y as usize) * row) : 0);
      }
      to += 24;
    }
  }
}

/** Packs the same block of A where memory holds its transpose, k × m, rows `lda` apart. */
export function packATransposed(a: usize, lda: i32, i0: i32, mc: i32, k0: i32, kc: i32, to: usize): void {
  for (let i = 0; i < mc; i += MR) {
    const height = min(MR, mc - i);
    let from = a + ((k0 as usize) * (lda as usize) + (i0 as usize) + (i as usize) << 2);
    for (let p = 0; p < kc; p++) {
      if (height == MR) {
        v128.store(to, v128.load(from));
        store<u64>(to + 16, load<u64>(from + 16));
      } else {
        for (let y = 0; y < MR; y++) {
          store<f32>(to + ((y as usize) << 2), y < height ? load<f32>(from + ((y as usize) << 2)) : 0);
        }
      }
      to += 24;
      from += (lda as usize) << 2;
    }
  }
}

/** Four rows of four, `row` bytes apart, to four rows of four, `step` bytes apart, transposed. */
// @ts-ignore: decorator
@inline
export function transpose4(from: usize, row: usize, to: usize, step: usize): void {
  const r0 = v128.load(from);
  const r1 = v128.load(from + row);
  const r2 = v128.load(from + 2 * row);
  const r3 = v128.load(from + 3 * row);
  const a = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
  const b = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
  const c = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
  const d = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(a, c, 0, 2));
  v128.store(to + step, v128.shuffle<i64>(a, c, 1, 3));
  v128.store(to + 2 * step, v128.shuffle<i64>(b, d, 0, 2));
  v128.store(to + 3 * step, v128.shuffle<i64>(b, d, 1, 3));
}

/** Six rows of four to four rows of six. */
// @ts-ignore: decorator
@inline
export function transpose6(from: usize, row: usize, to: usize): void {
  gather6(from, from + row, from + 2 * row, from + 3 * row, from + 4 * row, from + 5 * row, to);
}

/** Four floats at each of six places to four rows of six. */
// @ts-ignore: decorator
@inline
export function gather6(p0: usize, p1: usize, p2: usize, p3: usize, p4: usize, p5: usize, to: usize): void {
  const r0 = v128.load(p0);
  const r1 = v128.load(p1);
  const r2 = v128.load(p2);
  const r3 = v128.load(p3);
  const r4 = v128.load(p4);
  const r5 = v128.load(p5);
  const a = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
  const b = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
  const c = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
  const d = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
  const e = v128.shuffle<i32>(r4, r5, 0, 4, 1, 5);
  const f = v128.shuffle<i32>(r4, r5, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(a, c, 0, 2));
  v128.store_lane<i64>(to + 16, e, 0);
  v128.store(to + 24, v128.shuffle<i64>(a, c, 1, 3));
  v128.store_lane<i64>(to + 40, e, 1);
  v128.store(to + 48, v128.shuffle<i64>(b, d, 0, 2));
  v128.store_lane<i64>(to + 64, f, 0);
  v128.store(to + 72, v128.shuffle<i64>(b, d, 1, 3));
  v128.store_lane<i64>(to + 88, f, 1);
}

/**
 * The tile: 6 rows of A, whose columns are `step` bytes apart, times 8 columns of packed B, `kc` deep, written to or added
 * to C, rows `ldc` floats apart. `rows` × `columns` of it are inside C; the rest is computed beside it, at `spare` (192 bytes).
 *
 * Without a fused multiply-add a product needs a register of its own, and V8 has fifteen: the twelve sums of a whole tile would
 * go through the stack, so that half a tile at a time is faster.
 */
export function tile(
  a: usize, step: usize, b: usize, kc: i32, c: usize, ldc: i32, rows: i32, columns: i32, add: bool, spare: usize,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    wholeTile(a, step, b, kc, c, ldc, rows, columns, add, spare);
    return;
  }
  halfTile(a, step, b, kc, c, ldc, min(rows, HALF), columns, add, spare);
  if (rows > HALF) {
    halfTile(a + 4 * HALF, step, b, kc, c + (((HALF * ldc) as usize) << 2), ldc, rows - HALF, columns, add, spare);
  }
}

function wholeTile(
  a: usize, step: usize, b: usize, kc: i32, c: usize, ldc: i32, rows: i32, columns: i32, add: bool, spare: usize,
): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0), c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0), c51 = f32x4.splat(0);
  for (let p = kc; p > 0; p--) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load_splat<f32>(a);
    c00 = fma(x, b0, c00);
    c01 = fma(x, b1, c01);
    x = v128.load_splat<f32>(a, 4);
    c10 = fma(x, b0, c10);
    c11 = fma(x, b1, c11);
    x = v128.load_splat<f32>(a, 8);
    c20 = fma(x, b0, c20);
    c21 = fma(x, b1, c21);
    x = v128.load_splat<f32>(a, 12);
    c30 = fma(x, b0, c30);
    c31 = fma(x, b1, c31);
    x = v128.load_splat<f32>(a, 16);
    c40 = fma(x, b0, c40);
    c41 = fma(x, b1, c41);
    x = v128.load_splat<f32>(a, 20);
    c50 = fma(x, b0, c50);
    c51 = fma(x, b1, c51);
    a += step;
    b += 32;
  }
  storeTile(c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51, c, ldc, rows, columns, add, spare);
}

function halfTile(
  a: usize, step: usize, b: usize, kc: i32, c: usize, ldc: i32, rows: i32, columns: i32, add: bool, spare: usize,
): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  // the way out between two steps keeps V8 from loading for the second before it has summed the first
  for (let p = kc; p > 0; p -= 2) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    let x = v128.load_splat<f32>(a);
    c00 = fma(x, b0, c00);
    c01 = fma(x, b1, c01);
    x = v128.load_splat<f32>(a, 4);
    c10 = fma(x, b0, c10);
    c11 = fma(x, b1, c11);
    x = v128.load_splat<f32>(a, 8);
    c20 = fma(x, b0, c20);
    c21 = fma(x, b1, c21);
    if (p == 1) break;
    a += step;
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    x = v128.load_splat<f32>(a);
    c00 = fma(x, b0, c00);
    c01 = fma(x, b1, c01);
    x = v128.load_splat<f32>(a, 4);
    c10 = fma(x, b0, c10);
    c11 = fma(x, b1, c11);
    x = v128.load_splat<f32>(a, 8);
    c20 = fma(x, b0, c20);
    c21 = fma(x, b1, c21);
    a += step;
    b += 64;
  }
  storeHalf(c00, c01, c10, c11, c20, c21, c, ldc, rows, columns, add, spare);
}

/** All tiles of one packed block: `mc` × `nc` of C at `c`. */
export function block(
  packedA: usize, packedB: usize, mc: i32, nc: i32, kc: i32, c: usize, ldc: i32, add: bool, spare: usize,
): void {
  for (let j = 0; j < nc; j += NR) {
    const columns = min(NR, nc - j);
    const b = packedB + ((j * kc) as usize << 2);
    for (let i = 0; i < mc; i += MR) {
      tile(
        packedA + ((i * kc) as usize << 2), 4 * MR, b, kc,
        c + (((i as usize) * (ldc as usize) + (j as usize)) << 2), ldc, min(MR, mc - i), columns, add, spare,
      );
    }
  }
}

/** Bytes of the workspace that `gemm` and the convolutions need. */
export function workspaceBytes(): i32 {
  return (MC * KC + NC * KC + MR * NR) * 4;
}

/** C = A·B, with A or B transposed in memory as asked for; `ld*` are the lengths of rows in memory. */
export function gemm(
  transposeA: bool, transposeB: bool, m: i32, n: i32, k: i32,
  a: usize, lda: i32, b: usize, ldb: i32, c: usize, ldc: i32, workspace: usize,
): void {
  const packedB = workspace;
  const packedA = packedB + ((NC * KC) as usize << 2);
  const spare = packedA + ((MC * KC) as usize << 2);
  if (k == 0) {
    for (let i = 0; i < m; i++) memory.fill(c + ((i as usize) * (ldc as usize) << 2), 0, (n as usize) << 2);
  }
  for (let j = 0; j < n; j += NC) {
    const nc = min(NC, n - j);
    for (let p = 0; p < k; p += KC) {
      const kc = min(KC, k - p);
      if (transposeB) packBTransposed(b, ldb, p, kc, j, nc, packedB);
      else packB(b, ldb, p, kc, j, nc, packedB);
      for (let i = 0; i < m; i += MC) {
        const mc = min(MC, m - i);
        if (transposeA) packATransposed(a, lda, i, mc, p, kc, packedA);
        else packA(a, lda, i, mc, p, kc, packedA);
        block(packedA, packedB, mc, nc, kc, c + (((i as usize) * (ldc as usize) + (j as usize)) << 2), ldc, p > 0, spare);
      }
    }
  }
}
