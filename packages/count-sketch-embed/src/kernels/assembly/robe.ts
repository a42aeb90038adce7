import { wordBytes } from './estimate';
import { copyRow, sumById } from './rows';

/**
 * Vectors of `n` tokens to `out` `[n, dimension]` from a circular `array` of `size` numbers. `places` numbers their different ids
 * in the order of first appearance; `starts` has for each of those where each block of `block` columns begins; `words`, unless
 * 0, a bit for each column, set where its sign is minus, and four bytes that are read after the last.
 */
export function lookUpRobe(
  n: i32,
  unique: i32,
  dimension: i32,
  block: i32,
  size: i32,
  places: usize,
  starts: usize,
  words: usize,
  array: usize,
  out: usize,
  workspace: usize,
): void {
  const bytes = (dimension as usize) << 2;
  const blocks = (((dimension + block - 1) / block) as usize) << 2;
  let known = 0;
  for (let i = 0; i < n; i++, out += bytes) {
    const place = load<i32>(places + ((i as usize) << 2));
    const first = workspace + ((place as usize) << 2);
    if (place != known) {
      copyRow(load<u32>(first) as usize, out, dimension);
      continue;
    }
    known++;
    store<u32>(first, out as u32);
    runs(false, dimension, block, size, starts, words, array, out);
    starts += blocks;
    if (words) words += wordBytes(dimension);
  }
}

/** Adds to `to`, the gradient of the array, what `dy` `[n, dimension]` says of the tokens, summed by id in `sums`. */
export function gradientRobe(
  n: i32,
  unique: i32,
  dimension: i32,
  block: i32,
  size: i32,
  places: usize,
  starts: usize,
  words: usize,
  array: usize,
  dy: usize,
  to: usize,
  sums: usize,
  workspace: usize,
): void {
  sumById(n, dimension, places, dy, sums, workspace);
  const blocks = (((dimension + block - 1) / block) as usize) << 2;
  for (let k = 0; k < unique; k++) {
    const own = load<u32>(workspace + ((k as usize) << 2)) as usize;
    runs(true, dimension, block, size, starts, words, to, own);
    starts += blocks;
    if (words) words += wordBytes(dimension);
  }
}

/** Copies the runs of the array that make one row, with their signs; or adds the row to them. */
// @ts-ignore: decorator
@inline
function runs(
  back: bool,
  dimension: i32,
  block: i32,
  size: i32,
  starts: usize,
  words: usize,
  array: usize,
  row: usize,
): void {
  for (let j = 0; j < dimension; starts += 4) {
    let place = load<i32>(starts);
    const end = min(j + block, dimension);
    while (j < end) {
      const length = min(end - j, size - place); // up to where the array begins again
      const at = array + ((place as usize) << 2);
      if (words) run(back, true, j, length, words, at, row);
      else run(back, false, j, length, 0, at, row);
      j += length;
      place = 0;
    }
  }
}

// @ts-ignore: decorator
@inline
function run(back: bool, own: bool, j: i32, length: i32, words: usize, at: usize, row: usize): void {
  let p = row + ((j as usize) << 2);
  const end = j + length;
  if (own) {
    for (; j + 16 <= end; j += 16, p += 64, at += 64) {
      const bits = bitsFrom(words, j);
      const lanes = i32x4.mul(i32x4.splat(bits), i32x4(8, 4, 2, 1)); // lane i has bit 4k + i at 4k + 3
      turnFour(back, i32x4.shl(lanes, 28), at, p);
      turnFour(back, i32x4.shl(lanes, 24), at + 16, p + 16);
      turnFour(back, i32x4.shl(lanes, 20), at + 32, p + 32);
      turnFour(back, i32x4.shl(lanes, 16), at + 48, p + 48);
    }
  }
  const mask = i32x4(1, 2, 4, 8);
  for (; j + 4 <= end; j += 4, p += 16, at += 16) {
    let value = v128.load(back ? p : at);
    if (own) {
      const bits = i32x4.splat(bitsFrom(words, j));
      value = v128.xor(value, i32x4.shl(i32x4.eq(v128.and(bits, mask), mask), 31));
    }
    if (back) v128.store(at, f32x4.add(v128.load(at), value));
    else v128.store(p, value);
  }
  for (; j < end; j++, p += 4, at += 4) {
    let value = load<i32>(back ? p : at);
    if (own) value ^= (load<i32>(words + (((j >> 5) as usize) << 2)) >> (j & 31)) << 31;
    const signed = reinterpret<f32>(value);
    if (back) store<f32>(at, load<f32>(at) + signed);
    else store<f32>(p, signed);
  }
}

/** The bits of column `j` and the 31 after it. */
// @ts-ignore: decorator
@inline
function bitsFrom(words: usize, j: i32): i32 {
  return (load<u64>(words + (((j >> 5) as usize) << 2)) >> ((j & 31) as u64)) as i32;
}

/** Four columns of a run, with the signs that the upper bits of `signs` say. */
// @ts-ignore: decorator
@inline
function turnFour(back: bool, signs: v128, at: usize, p: usize): void {
  const value = v128.xor(v128.load(back ? p : at), v128.and(signs, i32x4.splat(i32.MIN_VALUE)));
  if (back) v128.store(at, f32x4.add(v128.load(at), value));
  else v128.store(p, value);
}
