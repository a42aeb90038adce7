/**
 * A sparse matrix times rows of numbers: y_o[0 … p) = min(max(Σ_e values[e] · base[offsets[e] … offsets[e] + p) + plus[o],
 * low), high), over the entries starts[o] ≤ e < starts[o + 1] of row o; `plus` at 0 is none.
 *
 * With offsets that are multiples of p this is a product with a dense matrix of p columns. With offsets into padded
 * images, a plane for each channel, it is a convolution without a copy: the numbers that an offset and a tap reach
 * lie side by side. Columns are taken 32 at a time, so that their sums stay in registers; up to 3 numbers beyond p
 * are read and written in each row, which `ldy` and the memory behind `base` must allow.
 */
import { fma } from './fma';
import { transpose4 } from './gemm';

/** Offsets in bytes; `ldy` is the distance of rows of y, in numbers, at least p rounded up to 4. */
export function sparseProduct(
  rows: i32, p: i32, starts: usize, offsets: usize, values: usize, base: usize, y: usize, ldy: i32,
  plus: usize, low: f32, high: f32,
): void {
  const row = (ldy as usize) << 2;
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  for (let o = 0; o < rows; o++) {
    const first = plus == 0 ? f32x4.splat(0) : v128.load32_splat(plus + ((o as usize) << 2));
    const from = load<i32>(starts);
    const to = load<i32>(starts, 4);
    starts += 4;
    let q = 0;
    for (; q + 32 <= p; q += 32) tile32(from, to, offsets, values, base + ((q as usize) << 2), y + ((q as usize) << 2), first, lows, highs);
    for (; q + 8 <= p; q += 8) tile8(from, to, offsets, values, base + ((q as usize) << 2), y + ((q as usize) << 2), first, lows, highs);
    for (; q < p; q += 4) tile4(from, to, offsets, values, base + ((q as usize) << 2), y + ((q as usize) << 2), first, lows, highs);
    y += row;
  }
}

// @ts-ignore: decorator
@inline
function clamp(x: v128, lows: v128, highs: v128): v128 {
  return f32x4.min(f32x4.max(x, lows), highs);
}

// @ts-ignore: decorator
@inline
function tile32(
  from: i32, to: i32, offsets: usize, values: usize, base: usize, y: usize, first: v128, lows: v128, highs: v128,
): void {
  let c0 = first, c1 = first, c2 = first, c3 = first;
  let c4 = first, c5 = first, c6 = first, c7 = first;
  let at = (from as usize) << 2;
  const end = (to as usize) << 2;
  for (; at < end; at += 4) {
    const v = v128.load_splat<f32>(values + at);
    const x = base + (load<u32>(offsets + at) as usize);
    c0 = fma(v, v128.load(x), c0);
    c1 = fma(v, v128.load(x, 16), c1);
    c2 = fma(v, v128.load(x, 32), c2);
    c3 = fma(v, v128.load(x, 48), c3);
    c4 = fma(v, v128.load(x, 64), c4);
    c5 = fma(v, v128.load(x, 80), c5);
    c6 = fma(v, v128.load(x, 96), c6);
    c7 = fma(v, v128.load(x, 112), c7);
  }
  v128.store(y, clamp(c0, lows, highs));
  v128.store(y, clamp(c1, lows, highs), 16);
  v128.store(y, clamp(c2, lows, highs), 32);
  v128.store(y, clamp(c3, lows, highs), 48);
  v128.store(y, clamp(c4, lows, highs), 64);
  v128.store(y, clamp(c5, lows, highs), 80);
  v128.store(y, clamp(c6, lows, highs), 96);
  v128.store(y, clamp(c7, lows, highs), 112);
}

// @ts-ignore: decorator
@inline
function tile8(
  from: i32, to: i32, offsets: usize, values: usize, base: usize, y: usize, first: v128, lows: v128, highs: v128,
): void {
  let c0 = first, c1 = first;
  let at = (from as usize) << 2;
  const end = (to as usize) << 2;
  for (; at < end; at += 4) {
    const v = v128.load_splat<f32>(values + at);
    const x = base + (load<u32>(offsets + at) as usize);
    c0 = fma(v, v128.load(x), c0);
    c1 = fma(v, v128.load(x, 16), c1);
  }
  v128.store(y, clamp(c0, lows, highs));
  v128.store(y, clamp(c1, lows, highs), 16);
}

// @ts-ignore: decorator
@inline
function tile4(
  from: i32, to: i32, offsets: usize, values: usize, base: usize, y: usize, first: v128, lows: v128, highs: v128,
): void {
  let c0 = first;
  let at = (from as usize) << 2;
  const end = (to as usize) << 2;
  for (; at < end; at += 4) {
    c0 = fma(v128.load_splat<f32>(values + at), v128.load(base + (load<u32>(offsets + at) as usize)), c0);
  }
  v128.store(y, clamp(c0, lows, highs));
}

/**
 * The same with blocks of four consecutive rows that share their columns, four values each: the numbers behind an offset are
 * read once for four rows. y has a multiple of four rows.
 */
export function blockProduct(
  rows: i32, p: i32, starts: usize, offsets: usize, values: usize, base: usize, y: usize, ldy: i32,
  plus: usize, low: f32, high: f32,
): void {
  const row = (ldy as usize) << 2;
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  for (let o = 0; o < rows; o += 4) {
    const from = (load<i32>(starts) as usize) << 2;
    const to = (load<i32>(starts, 4) as usize) << 2;
    starts += 4;
    const b0 = start(plus, o, rows), b1 = start(plus, o + 1, rows);
    const b2 = start(plus, o + 2, rows), b3 = start(plus, o + 3, rows);
    for (let q = 0; q < p; q += 8) {
      const at = (q as usize) << 2;
      if (q + 4 < p) block4x8(from, to, offsets, values, base + at, y + at, row, b0, b1, b2, b3, lows, highs);
      else block4x4(from, to, offsets, values, base + at, y + at, row, b0, b1, b2, b3, lows, highs);
    }
    y += 4 * row;
  }
}

/** What the sums of a row begin with; 0 for the rows that fill up the last block. */
// @ts-ignore: decorator
@inline
function start(plus: usize, o: i32, rows: i32): v128 {
  return plus == 0 || o >= rows ? f32x4.splat(0) : v128.load32_splat(plus + ((o as usize) << 2));
}

// @ts-ignore: decorator
@inline
function block4x8(
  from: usize, to: usize, offsets: usize, values: usize, base: usize, y: usize, row: usize,
  b0: v128, b1: v128, b2: v128, b3: v128, lows: v128, highs: v128,
): void {
  let c00 = b0, c01 = b0, c10 = b1, c11 = b1;
  let c20 = b2, c21 = b2, c30 = b3, c31 = b3;
  for (let at = from; at < to; at += 4) {
    const x = base + (load<u32>(offsets + at) as usize);
    const v = values + (at << 2);
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    let w = v128.load_splat<f32>(v);
    c00 = fma(w, x0, c00);
    c01 = fma(w, x1, c01);
    w = v128.load_splat<f32>(v, 4);
    c10 = fma(w, x0, c10);
    c11 = fma(w, x1, c11);
    w = v128.load_splat<f32>(v, 8);
    c20 = fma(w, x0, c20);
    c21 = fma(w, x1, c21);
    w = v128.load_splat<f32>(v, 12);
    c30 = fma(w, x0, c30);
    c31 = fma(w, x1, c31);
  }
  v128.store(y, clamp(c00, lows, highs)); v128.store(y, clamp(c01, lows, highs), 16); y += row;
  v128.store(y, clamp(c10, lows, highs)); v128.store(y, clamp(c11, lows, highs), 16); y += row;
  v128.store(y, clamp(c20, lows, highs)); v128.store(y, clamp(c21, lows, highs), 16); y += row;
  v128.store(y, clamp(c30, lows, highs)); v128.store(y, clamp(c31, lows, highs), 16);
}

// @ts-ignore: decorator
@inline
function block4x4(
  from: usize, to: usize, offsets: usize, values: usize, base: usize, y: usize, row: usize,
  b0: v128, b1: v128, b2: v128, b3: v128, lows: v128, highs: v128,
): void {
  let c0 = b0, c1 = b1, c2 = b2, c3 = b3;
  for (let at = from; at < to; at += 4) {
    const x = v128.load(base + (load<u32>(offsets + at) as usize));
    const v = values + (at << 2);
    c0 = fma(v128.load_splat<f32>(v), x, c0);
    c1 = fma(v128.load_splat<f32>(v, 4), x, c1);
    c2 = fma(v128.load_splat<f32>(v, 8), x, c2);
    c3 = fma(v128.load_splat<f32>(v, 12), x, c3);
  }
  v128.store(y, clamp(c0, lows, highs)); y += row;
  v128.store(y, clamp(c1, lows, highs)); y += row;
  v128.store(y, clamp(c2, lows, highs)); y += row;
  v128.store(y, clamp(c3, lows, highs));
}

/** Transposes `rows` × `columns` numbers; rows are `ldx` apart in memory, those of the result `ldy`. */
export function transpose(rows: i32, columns: i32, x: usize, ldx: i32, y: usize, ldy: i32): void {
  const rowX = (ldx as usize) << 2;
  const rowY = (ldy as usize) << 2;
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const from = x + (i as usize) * rowX;
    const to = y + ((i as usize) << 2);
    let j = 0;
    for (; j + 4 <= columns; j += 4) transpose4(from + ((j as usize) << 2), rowX, to + (j as usize) * rowY, rowY);
    for (; j < columns; j++) {
      const at = from + ((j as usize) << 2);
      const target = to + (j as usize) * rowY;
      store<f32>(target, load<f32>(at));
      store<f32>(target, load<f32>(at + rowX), 4);
      store<f32>(target, load<f32>(at + 2 * rowX), 8);
      store<f32>(target, load<f32>(at + 3 * rowX), 12);
    }
  }
  for (; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      store<f32>(
        y + (j as usize) * rowY + ((i as usize) << 2),
        load<f32>(x + (i as usize) * rowX + ((j as usize) << 2)),
      );
    }
  }
}
