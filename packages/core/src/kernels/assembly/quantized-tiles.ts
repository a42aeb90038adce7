/**
 * Tiles: the sums of one row, or four, times eight outputs, over pairs of inputs; written to `to`, eight numbers a row.
 *
 * Relaxed SIMD multiplies 8 bits by 7 and adds each two products in 16: rows, of bytes, are the first operand, and the second codes of few bits, made
 * unsigned. Their sums fit 16 bits for some pairs.
 */
import { fma } from './fma';
import { FP4, INT3, INT4 } from './quantized-unpack';

/** Rows of the larger tiles. */
export const MR: i32 = 4;

/** acc + the products of pairs. */
// @ts-ignore: decorator
@inline
function dot(x: v128, b: v128, acc: v128): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(x, b), acc);
}

export function integer4(panel: usize, pairs: i32, x0: usize, ldx: usize, to: usize): void {
  let x1 = x0 + ldx, x2 = x1 + ldx, x3 = x2 + ldx;
  let c00 = i32x4.splat(0), c01 = i32x4.splat(0);
  let c10 = i32x4.splat(0), c11 = i32x4.splat(0);
  let c20 = i32x4.splat(0), c21 = i32x4.splat(0);
  let c30 = i32x4.splat(0), c31 = i32x4.splat(0);
  for (let p = pairs; p > 0; p -= 2) {
    let b0 = v128.load_ext<i8>(panel), b1 = v128.load_ext<i8>(panel, 8);
    let x = v128.load32_splat(x0);
    c00 = dot(x, b0, c00);
    c01 = dot(x, b1, c01);
    x = v128.load32_splat(x1);
    c10 = dot(x, b0, c10);
    c11 = dot(x, b1, c11);
    x = v128.load32_splat(x2);
    c20 = dot(x, b0, c20);
    c21 = dot(x, b1, c21);
    x = v128.load32_splat(x3);
    c30 = dot(x, b0, c30);
    c31 = dot(x, b1, c31);
    if (p == 1) break;
    b0 = v128.load_ext<i8>(panel, 16);
    b1 = v128.load_ext<i8>(panel, 24);
    x = v128.load32_splat(x0, 4);
    c00 = dot(x, b0, c00);
    c01 = dot(x, b1, c01);
    x = v128.load32_splat(x1, 4);
    c10 = dot(x, b0, c10);
    c11 = dot(x, b1, c11);
    x = v128.load32_splat(x2, 4);
    c20 = dot(x, b0, c20);
    c21 = dot(x, b1, c21);
    x = v128.load32_splat(x3, 4);
    c30 = dot(x, b0, c30);
    c31 = dot(x, b1, c31);
    panel += 32;
    x0 += 8; x1 += 8; x2 += 8; x3 += 8;
  }
  v128.store(to, c00); v128.store(to, c01, 16);
  v128.store(to, c10, 32); v128.store(to, c11, 48);
  v128.store(to, c20, 64); v128.store(to, c21, 80);
  v128.store(to, c30, 96); v128.store(to, c31, 112);
}

export function integer1(panel: usize, pairs: i32, x: usize, to: usize): void {
  let c0 = i32x4.splat(0), c1 = i32x4.splat(0);
  let c2 = i32x4.splat(0), c3 = i32x4.splat(0);
  let p = pairs;
  for (; p >= 2; p -= 2) {
    const a = v128.load32_splat(x), b = v128.load32_splat(x, 4);
    c0 = dot(a, v128.load_ext<i8>(panel), c0);
    c1 = dot(a, v128.load_ext<i8>(panel, 8), c1);
    c2 = dot(b, v128.load_ext<i8>(panel, 16), c2);
    c3 = dot(b, v128.load_ext<i8>(panel, 24), c3);
    panel += 32;
    x += 8;
  }
  if (p > 0) {
    const a = v128.load32_splat(x);
    c0 = dot(a, v128.load_ext<i8>(panel), c0);
    c1 = dot(a, v128.load_ext<i8>(panel, 8), c1);
  }
  v128.store(to, i32x4.add(c0, c2));
  v128.store(to, i32x4.add(c1, c3), 16);
}

/** Pairs whose sums fit 16 bits: products are at most 2·127·15 of int4, 24 of fp4, 7 of int3 and less of the others. */
// @ts-ignore: decorator
@inline
export function runOf(coding: i32): i32 {
  return coding == INT4 ? 8 : coding == FP4 ? 4 : coding == INT3 ? 16 : 40;
}

/** acc, of 16 bits, + the products of a pair of bytes and eight of codes. */
// @ts-ignore: decorator
@inline
function small(x: usize, codes: v128, acc: v128): v128 {
  return i16x8.add(acc, i16x8.relaxed_dot_i8x16_i7x16_s(v128.load16_splat(x), codes));
}

export function small4(panel: usize, pairs: i32, run: i32, x0: usize, ldx: usize, to: usize): void {
  let x1 = x0 + ldx, x2 = x1 + ldx, x3 = x2 + ldx;
  let c00 = i32x4.splat(0), c01 = i32x4.splat(0);
  let c10 = i32x4.splat(0), c11 = i32x4.splat(0);
  let c20 = i32x4.splat(0), c21 = i32x4.splat(0);
  let c30 = i32x4.splat(0), c31 = i32x4.splat(0);
  for (let rest = pairs; rest > 0; rest -= run) {
    let s0 = i16x8.splat(0), s1 = i16x8.splat(0), s2 = i16x8.splat(0), s3 = i16x8.splat(0);
    for (let p = min(run, rest); p > 0; p -= 2) {
      let codes = v128.load(panel);
      s0 = small(x0, codes, s0);
      s1 = small(x1, codes, s1);
      s2 = small(x2, codes, s2);
      s3 = small(x3, codes, s3);
      if (p == 1) break; // the last pair of all
      codes = v128.load(panel, 16);
      s0 = small(x0 + 2, codes, s0);
      s1 = small(x1 + 2, codes, s1);
      s2 = small(x2 + 2, codes, s2);
      s3 = small(x3 + 2, codes, s3);
      panel += 32;
      x0 += 4; x1 += 4; x2 += 4; x3 += 4;
    }
    c00 = i32x4.add(c00, i32x4.extend_low_i16x8_s(s0));
    c01 = i32x4.add(c01, i32x4.extend_high_i16x8_s(s0));
    c10 = i32x4.add(c10, i32x4.extend_low_i16x8_s(s1));
    c11 = i32x4.add(c11, i32x4.extend_high_i16x8_s(s1));
    c20 = i32x4.add(c20, i32x4.extend_low_i16x8_s(s2));
    c21 = i32x4.add(c21, i32x4.extend_high_i16x8_s(s2));
    c30 = i32x4.add(c30, i32x4.extend_low_i16x8_s(s3));
    c31 = i32x4.add(c31, i32x4.extend_high_i16x8_s(s3));
  }
  v128.store(to, c00); v128.store(to, c01, 16);
  v128.store(to, c10, 32); v128.store(to, c11, 48);
  v128.store(to, c20, 64); v128.store(to, c21, 80);
  v128.store(to, c30, 96); v128.store(to, c31, 112);
}

export function small1(panel: usize, pairs: i32, run: i32, x: usize, to: usize): void {
  let c0 = i32x4.splat(0), c1 = i32x4.splat(0);
  for (let rest = pairs; rest > 0; rest -= run) {
    let s0 = i16x8.splat(0), s1 = i16x8.splat(0);
    let p = min(run, rest);
    for (; p >= 4; p -= 4) {
      s0 = small(x, v128.load(panel), s0);
      s1 = small(x + 2, v128.load(panel, 16), s1);
      s0 = small(x + 4, v128.load(panel, 32), s0);
      s1 = small(x + 6, v128.load(panel, 48), s1);
      panel += 64;
      x += 8;
    }
    for (; p > 0; p--) {
      s0 = small(x, v128.load(panel), s0);
      panel += 16;
      x += 2;
    }
    s0 = i16x8.add(s0, s1);
    c0 = i32x4.add(c0, i32x4.extend_low_i16x8_s(s0));
    c1 = i32x4.add(c1, i32x4.extend_high_i16x8_s(s0));
  }
  v128.store(to, c0);
  v128.store(to, c1, 16);
}

/** `small1` of int4 as it is packed, two pairs to a register. */
export function nibbles1(from: usize, pairs: i32, x: usize, to: usize): void {
  const mask = i8x16.splat(15);
  let c0 = i32x4.splat(0), c1 = i32x4.splat(0);
  for (let rest = pairs; rest > 0; rest -= 16) {
    let low = i16x8.splat(0), high = i16x8.splat(0);
    let p = min(16, rest);
    for (; p >= 2; p -= 2) {
      const v = v128.load(from);
      low = small(x, v128.and(v, mask), low);
      high = small(x + 2, v128.and(i16x8.shr_u(v, 4), mask), high);
      from += 16;
      x += 4;
    }
    if (p > 0) low = small(x, v128.and(v128.load(from), mask), low);
    c0 = i32x4.add(c0, i32x4.add(i32x4.extend_low_i16x8_s(low), i32x4.extend_low_i16x8_s(high)));
    c1 = i32x4.add(c1, i32x4.add(i32x4.extend_high_i16x8_s(low), i32x4.extend_high_i16x8_s(high)));
  }
  v128.store(to, c0);
  v128.store(to, c1, 16);
}

/** The first numbers of four pairs. */
// @ts-ignore: decorator
@inline
export function evens(pairs: v128): v128 {
  return i32x4.shr_s(i32x4.shl(pairs, 16), 16);
}

/** The second. */
// @ts-ignore: decorator
@inline
export function odds(pairs: v128): v128 {
  return i32x4.shr_s(pairs, 16);
}

export function float1(panel: usize, pairs: i32, x: usize, to: usize): void {
  let c0 = f32x4.splat(0), c1 = f32x4.splat(0), c2 = f32x4.splat(0), c3 = f32x4.splat(0);
  let d0 = f32x4.splat(0), d1 = f32x4.splat(0), d2 = f32x4.splat(0), d3 = f32x4.splat(0);
  for (let p = pairs; p > 0; p -= 2) {
    let b0 = v128.load_ext<i8>(panel), b1 = v128.load_ext<i8>(panel, 8);
    let a = v128.load32_splat(x), b = v128.load32_splat(x, 4);
    c0 = fma(a, f32x4.convert_i32x4_s(evens(b0)), c0);
    c1 = fma(a, f32x4.convert_i32x4_s(evens(b1)), c1);
    c2 = fma(b, f32x4.convert_i32x4_s(odds(b0)), c2);
    c3 = fma(b, f32x4.convert_i32x4_s(odds(b1)), c3);
    if (p == 1) break;
    b0 = v128.load_ext<i8>(panel, 16);
    b1 = v128.load_ext<i8>(panel, 24);
    a = v128.load32_splat(x, 8);
    b = v128.load32_splat(x, 12);
    d0 = fma(a, f32x4.convert_i32x4_s(evens(b0)), d0);
    d1 = fma(a, f32x4.convert_i32x4_s(evens(b1)), d1);
    d2 = fma(b, f32x4.convert_i32x4_s(odds(b0)), d2);
    d3 = fma(b, f32x4.convert_i32x4_s(odds(b1)), d3);
    panel += 32;
    x += 16;
  }
  v128.store(to, f32x4.add(f32x4.add(c0, c2), f32x4.add(d0, d2)));
  v128.store(to, f32x4.add(f32x4.add(c1, c3), f32x4.add(d1, d3)), 16);
}
