/**
 * C (m × n, int32) = A (m × k) · Bᵀ for B (n × k), both int8 and row-major, in the blocked and packed form of `gemm.ts`.
 *
 * Packing widens to 16 bits and lays two consecutive k side by side, so that `i32x4.dot_i16x8_s` multiplies a pair of one row of A
 * by those of four columns and adds each two products in 32 bits: nothing saturates. |C| ≤ k · 2¹⁴, which an int32 holds for k
 * ≤ 131,071.
 */
/** Rows of A and columns of C in a tile. */
const MR: i32 = 6;
const NR: i32 = 8;
/** Depth of a block, even: a panel of B (8 columns of 16 bits) takes 8 KB. */
const KC: i32 = 512;
const MC: i32 = 96;
const NC: i32 = 512;

// @ts-ignore: decorator
@inline
function wide(at: usize): v128 {
  return v128.load_ext<i8>(at);
}

/** One pair of one row, the second 0 where k ends. */
// @ts-ignore: decorator
@inline
function pair(at: usize, both: bool): i32 {
  const low = load<i8>(at) as i32;
  const high = both ? (load<i8>(at, 1) as i32) : 0;
  return (low & 0xffff) | (high << 16);
}

/** Packs `rows` rows of `kc` columns, `ld` bytes apart, from `from`, into panels of six rows. */
function packA(from: usize, ld: usize, rows: i32, kc: i32, to: usize): void {
  for (let i = 0; i < rows; i += MR) {
    const height = min(MR, rows - i);
    let at = from + (i as usize) * ld;
    let p = 0;
    if (height == MR) {
      for (; p + 8 <= kc; p += 8) {
        const r0 = wide(at), r1 = wide(at + ld), r2 = wide(at + 2 * ld);
        const r3 = wide(at + 3 * ld), r4 = wide(at + 4 * ld), r5 = wide(at + 5 * ld);
        const a = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), b = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
        const c = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5), d = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
        const e = v128.shuffle<i32>(r4, r5, 0, 4, 1, 5), f = v128.shuffle<i32>(r4, r5, 2, 6, 3, 7);
        v128.store(to, v128.shuffle<i64>(a, c, 0, 2));
        v128.store_lane<i64>(to + 16, e, 0);
        v128.store(to + 24, v128.shuffle<i64>(a, c, 1, 3));
        v128.store_lane<i64>(to + 40, e, 1);
        v128.store(to + 48, v128.shuffle<i64>(b, d, 0, 2));
        v128.store_lane<i64>(to + 64, f, 0);
        v128.store(to + 72, v128.shuffle<i64>(b, d, 1, 3));
        v128.store_lane<i64>(to + 88, f, 1);
        at += 8;
        to += 96;
      }
    }
    for (; p < kc; p += 2) {
      for (let y = 0; y < MR; y++) {
        store<i32>(to + ((y as usize) << 2), y < height ? pair(at + (y as usize) * ld, p + 1 < kc) : 0);
      }
      at += 2;
      to += 24;
    }
  }
}

/** The same into panels of eight rows, which are columns of C. */
function packB(from: usize, ld: usize, rows: i32, kc: i32, to: usize): void {
  for (let j = 0; j < rows; j += NR) {
    const width = min(NR, rows - j);
    let at = from + (j as usize) * ld;
    let p = 0;
    if (width == NR) {
      for (; p + 8 <= kc; p += 8) {
        pack4(at, ld, to);
        pack4(at + 4 * ld, ld, to + 16);
        at += 8;
        to += 128;
      }
    }
    for (; p < kc; p += 2) {
      for (let x = 0; x < NR; x++) {
        store<i32>(to + ((x as usize) << 2), x < width ? pair(at + (x as usize) * ld, p + 1 < kc) : 0);
      }
      at += 2;
      to += 32;
    }
  }
}

/** Four rows of eight numbers to four rows of pairs, 32 bytes apart. */
// @ts-ignore: decorator
@inline
function pack4(at: usize, ld: usize, to: usize): void {
  const r0 = wide(at), r1 = wide(at + ld), r2 = wide(at + 2 * ld), r3 = wide(at + 3 * ld);
  const a = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), b = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
  const c = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5), d = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(a, c, 0, 2));
  v128.store(to + 32, v128.shuffle<i64>(a, c, 1, 3));
  v128.store(to + 64, v128.shuffle<i64>(b, d, 0, 2));
  v128.store(to + 96, v128.shuffle<i64>(b, d, 1, 3));
}

/** acc + the products of pairs. */
// @ts-ignore: decorator
@inline
function dot(x: v128, b: v128, acc: v128): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(x, b), acc);
}

/** A tile, `pairs` deep; `rows` × `columns` of it are inside C, the rest is computed at `spare` (192 bytes). */
function tile(
  a: usize, b: usize, pairs: i32, c: usize, ldc: i32, rows: i32, columns: i32, add: bool, spare: usize,
): void {
  let c00 = i32x4.splat(0), c01 = i32x4.splat(0);
  let c10 = i32x4.splat(0), c11 = i32x4.splat(0);
  let c20 = i32x4.splat(0), c21 = i32x4.splat(0);
  let c30 = i32x4.splat(0), c31 = i32x4.splat(0);
  let c40 = i32x4.splat(0), c41 = i32x4.splat(0);
  let c50 = i32x4.splat(0), c51 = i32x4.splat(0);
  for (let p = pairs; p > 0; p--) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = dot(x, b0, c00);
    c01 = dot(x, b1, c01);
    x = v128.load32_splat(a, 4);
    c10 = dot(x, b0, c10);
    c11 = dot(x, b1, c11);
    x = v128.load32_splat(a, 8);
    c20 = dot(x, b0, c20);
    c21 = dot(x, b1, c21);
    x = v128.load32_splat(a, 12);
    c30 = dot(x, b0, c30);
    c31 = dot(x, b1, c31);
    x = v128.load32_splat(a, 16);
    c40 = dot(x, b0, c40);
    c41 = dot(x, b1, c41);
    x = v128.load32_splat(a, 20);
    c50 = dot(x, b0, c50);
    c51 = dot(x, b1, c51);
    a += 24;
    b += 32;
  }
  let to = spare;
  v128.store(to, c00); v128.store(to, c01, 16); to += 32;
  v128.store(to, c10); v128.store(to, c11, 16); to += 32;
  v128.store(to, c20); v128.store(to, c21, 16); to += 32;
  v128.store(to, c30); v128.store(to, c31, 16); to += 32;
  v128.store(to, c40); v128.store(to, c41, 16); to += 32;
  v128.store(to, c50); v128.store(to, c51, 16);
  to = spare;
  for (let y = 0; y < rows; y++) {
    const at = c + (((y as usize) * (ldc as usize)) << 2);
    if (columns == NR) {
      const first = add ? v128.load(at) : i32x4.splat(0);
      const second = add ? v128.load(at, 16) : i32x4.splat(0);
      v128.store(at, i32x4.add(first, v128.load(to)));
      v128.store(at, i32x4.add(second, v128.load(to, 16)), 16);
    } else {
      for (let x = 0; x < columns; x++) {
        const place = (x as usize) << 2;
        const before = add ? load<i32>(at + place) : 0;
        store<i32>(at + place, before + load<i32>(to + place));
      }
    }
    to += 32;
  }
}

/** Bytes of the workspace of `int8Gemm`. */
export function int8WorkspaceBytes(): i32 {
  return (MC * KC + NC * KC) * 2 + MR * NR * 4;
}

/** C = A · Bᵀ; rows of A and B are `lda` and `ldb` bytes apart, those of C n numbers. */
export function int8Gemm(
  m: i32, n: i32, k: i32, a: usize, lda: i32, b: usize, ldb: i32, c: usize, workspace: usize,
): void {
  const packedB = workspace;
  const packedA = packedB + ((NC * KC) as usize << 1);
  const spare = packedA + ((MC * KC) as usize << 1);
  if (k == 0) memory.fill(c, 0, (m as usize) * (n as usize) << 2);
  for (let j = 0; j < n; j += NC) {
    const nc = min(NC, n - j);
    for (let p = 0; p < k; p += KC) {
      const kc = min(KC, k - p);
      const pairs = (kc + 1) >> 1;
      packB(b + (j as usize) * (ldb as usize) + (p as usize), ldb as usize, nc, kc, packedB);
      for (let i = 0; i < m; i += MC) {
        const mc = min(MC, m - i);
        packA(a + (i as usize) * (lda as usize) + (p as usize), lda as usize, mc, kc, packedA);
        for (let x = 0; x < nc; x += NR) {
          const panel = packedB + ((x * pairs) as usize << 2);
          for (let y = 0; y < mc; y += MR) {
            const to = c + ((((i + y) as usize) * (n as usize) + ((j + x) as usize)) << 2);
            tile(
              packedA + ((y * pairs) as usize << 2), panel, pairs, to, n,
              min(MR, mc - y), min(NR, nc - x), p > 0, spare,
            );
          }
        }
      }
    }
  }
}

/**
 * y = min(max(C · columnScale · rowScale + bias, low), high), in this order and without fused rounding; `y` may be C, a bias at 0 is
 * none.
 */
export function int8Finish(
  m: i32, n: i32, c: usize, rowScales: usize, columnScales: usize, bias: usize, low: f32, high: f32, y: usize,
): void {
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  for (let i = 0; i < m; i++) {
    const scale = load<f32>(rowScales + ((i as usize) << 2));
    const scales = f32x4.splat(scale);
    let j = 0;
    for (; j + 4 <= n; j += 4) {
      const at = (j as usize) << 2;
      let v = f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(v128.load(c)), v128.load(columnScales + at)), scales);
      if (bias != 0) v = f32x4.add(v, v128.load(bias + at));
      v128.store(y, f32x4.min(f32x4.max(v, lows), highs));
      c += 16;
      y += 16;
    }
    for (; j < n; j++) {
      const at = (j as usize) << 2;
      let v: f32 = (load<i32>(c) as f32) * load<f32>(columnScales + at) * scale;
      if (bias != 0) v += load<f32>(bias + at);
      store<f32>(y, min<f32>(max<f32>(v, low), high));
      c += 4;
      y += 4;
    }
  }
}
