/**
 * Small products for attention, four rows by eight columns at a time: blocks of 16 tokens are then whole tiles, and eight sums
 * and what they are made of fit into V8's fifteen registers with or without a fused multiply-add.
 */
import { fma } from './fma';
import { transpose4 } from './gemm';

/**
 * Rows of `d` numbers, `ld` apart, times `scale`, to panels of `width` rows (4 or 8), the panel's rows side by side:
 * [panel][column][row]. Rows from `count` to `padded`, a multiple of `width`, are 0.
 */
export function packRows(
  from: usize, ld: i32, count: i32, padded: i32, d: i32, scale: f32, width: i32, to: usize,
): void {
  const row = (ld as usize) << 2;
  const next = (width as usize) << 2;
  const scales = f32x4.splat(scale);
  for (let r = 0; r < padded; r += 4) {
    const at = from + (r as usize) * row;
    const target = to + ((((r / width) * width * d) as usize) << 2) + (((r % width) as usize) << 2);
    let c = 0;
    if (r + 4 <= count) {
      for (; c + 4 <= d; c += 4) {
        const place = target + (c as usize) * next;
        transpose4(at + ((c as usize) << 2), row, place, next);
        if (scale == 1) continue;
        for (let i: usize = 0; i < 4; i++) v128.store(place + i * next, f32x4.mul(v128.load(place + i * next), scales));
      }
    }
    for (; c < d; c++) {
      for (let y = 0; y < 4; y++) {
        const value = r + y < count ? load<f32>(at + (y as usize) * row + ((c as usize) << 2)) * scale : 0;
        store<f32>(target + (c as usize) * next + ((y as usize) << 2), value);
      }
    }
  }
}

/**
 * The same rows, `count` of them padded to `padded`, to panels of eight columns, [panel][row][column], panels `panel` bytes
 * apart; columns from `d` to the next multiple of 8 are 0.
 */
export function packColumns(
  from: usize, ld: i32, count: i32, padded: i32, d: i32, scale: f32, to: usize, panel: usize,
): void {
  const scales = f32x4.splat(scale);
  for (let c = 0; c < d; c += 8) {
    for (let r = 0; r < padded; r++) {
      const at = from + (((r as usize) * (ld as usize) + (c as usize)) << 2);
      const target = to + ((r as usize) << 5);
      if (r < count && c + 8 <= d) {
        v128.store(target, f32x4.mul(v128.load(at), scales));
        v128.store(target, f32x4.mul(v128.load(at, 16), scales), 16);
      } else {
        for (let x = 0; x < 8; x++) {
          const value = r < count && c + x < d ? load<f32>(at + ((x as usize) << 2)) * scale : 0;
          store<f32>(target + ((x as usize) << 2), value);
        }
      }
    }
    to += panel;
  }
}

/** `count` rows of `d` numbers, `from` rows `ldFrom` apart and `to` rows `ldTo`, times `factor`. */
export function copyRows(from: usize, ldFrom: i32, count: i32, d: i32, factor: f32, to: usize, ldTo: i32): void {
  const factors = f32x4.splat(factor);
  for (; count > 0; count--) {
    let c: usize = 0;
    const bytes = (d as usize) << 2;
    for (; c + 16 <= bytes; c += 16) v128.store(to + c, f32x4.mul(v128.load(from + c), factors));
    for (; c < bytes; c += 4) store<f32>(to + c, load<f32>(from + c) * factor);
    from += (ldFrom as usize) << 2;
    to += (ldTo as usize) << 2;
  }
}

/** y `[columns, rows]` = xᵀ, both sides multiples of 4 and without gaps. */
export function turn(rows: i32, columns: i32, x: usize, y: usize): void {
  const row = (columns as usize) << 2;
  const to = (rows as usize) << 2;
  for (let r = 0; r < rows; r += 4) {
    for (let c = 0; c < columns; c += 4) {
      transpose4(x + (r as usize) * row + ((c as usize) << 2), row, y + (c as usize) * to + ((r as usize) << 2), to);
    }
  }
}

/**
 * C (`rows` × `columns`, multiples of 4 and 8, rows `ldc` apart) = or += A·B, `k` deep. Four rows of A stand side by side, their columns
 * `step` bytes apart and the next four rows `aPanel` bytes on; B is in panels of eight columns, `bPanel` bytes apart.
 */
export function tiles(
  rows: i32, columns: i32, k: i32, a: usize, aPanel: usize, step: usize, b: usize, bPanel: usize, c: usize, ldc: i32,
  add: bool,
): void {
  const down = (ldc as usize) << 4;
  for (let j = 0; j < columns; j += 8) {
    let from = a;
    let to = c;
    for (let i = 0; i < rows; i += 4) {
      tile(k, from, step, b, to, (ldc as usize) << 2, add);
      from += aPanel;
      to += down;
    }
    b += bPanel;
    c += 32;
  }
}

function tile(k: i32, a: usize, step: usize, b: usize, c: usize, row: usize, add: bool): void {
  const c1 = c + row, c2 = c1 + row, c3 = c2 + row;
  let s00 = f32x4.splat(0), s01 = f32x4.splat(0);
  let s10 = f32x4.splat(0), s11 = f32x4.splat(0);
  let s20 = f32x4.splat(0), s21 = f32x4.splat(0);
  let s30 = f32x4.splat(0), s31 = f32x4.splat(0);
  if (add) {
    s00 = v128.load(c);
    s01 = v128.load(c, 16);
    s10 = v128.load(c1);
    s11 = v128.load(c1, 16);
    s20 = v128.load(c2);
    s21 = v128.load(c2, 16);
    s30 = v128.load(c3);
    s31 = v128.load(c3, 16);
  }
  // the way out between two steps keeps V8 from loading for the second before it has summed the first
  for (; k > 0; k -= 2) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    let x = v128.load_splat<f32>(a);
    s00 = fma(x, b0, s00);
    s01 = fma(x, b1, s01);
    x = v128.load_splat<f32>(a, 4);
    s10 = fma(x, b0, s10);
    s11 = fma(x, b1, s11);
    x = v128.load_splat<f32>(a, 8);
    s20 = fma(x, b0, s20);
    s21 = fma(x, b1, s21);
    x = v128.load_splat<f32>(a, 12);
    s30 = fma(x, b0, s30);
    s31 = fma(x, b1, s31);
    if (k == 1) break;
    a += step;
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    x = v128.load_splat<f32>(a);
    s00 = fma(x, b0, s00);
    s01 = fma(x, b1, s01);
    x = v128.load_splat<f32>(a, 4);
    s10 = fma(x, b0, s10);
    s11 = fma(x, b1, s11);
    x = v128.load_splat<f32>(a, 8);
    s20 = fma(x, b0, s20);
    s21 = fma(x, b1, s21);
    x = v128.load_splat<f32>(a, 12);
    s30 = fma(x, b0, s30);
    s31 = fma(x, b1, s31);
    a += step;
    b += 64;
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c2, s20);
  v128.store(c2, s21, 16);
  v128.store(c3, s30);
  v128.store(c3, s31, 16);
}
