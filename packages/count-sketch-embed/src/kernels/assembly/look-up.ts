import {
  flipOf,
  flips,
  greater,
  GROUP,
  groupMean,
  lesser,
  maskAt,
  median,
  middleOfThree,
  pointers,
  rowOf,
  SLOT,
  turn,
  wordBytes,
} from './estimate';
import { copyRow } from './rows';

/**
 * Vectors of `n` tokens to `out` `[n, dimension]`. `places` numbers their different ids in the order of first appearance,
 * `slots` has `hashes` entries for each of those: offset of the row in the sketch, in numbers, times two, plus one where the
 * sign is minus; `words`, unless 0, has for each entry a bit for each column, set where its sign is minus. Each id is
 * estimated once, at its first token, and copied to the others.
 */
export function lookUp(
  n: i32,
  unique: i32,
  hashes: i32,
  size: i32,
  dimension: i32,
  places: usize,
  slots: usize,
  words: usize,
  sketch: usize,
  out: usize,
  workspace: usize,
): void {
  const scratch = workspace + ((unique as usize) << 2);
  const bytes = (dimension as usize) << 2;
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
    estimate(hashes, size, dimension, slots, words, sketch, out, scratch);
    slots += (hashes as usize) << 2;
    if (words) words += (hashes as usize) * wordBytes(dimension);
  }
}

function estimate(
  hashes: i32,
  size: i32,
  dimension: i32,
  slots: usize,
  words: usize,
  sketch: usize,
  out: usize,
  scratch: usize,
): void {
  let at: usize = 0;
  const bytes = (dimension as usize) << 2;
  if (size == 1 && hashes <= 5) {
    at = bytes & ~15;
    if (words) withSigns(hashes, at, slots, words, wordBytes(dimension), sketch, out);
    else withoutSigns(hashes, at, slots, sketch, out);
    if (at == bytes) return;
  }
  const groups = hashes / size;
  const stride = wordBytes(dimension);
  const values = scratch + (hashes as usize) * SLOT;
  const room = values + (hashes as usize) * GROUP;
  pointers(hashes, slots, sketch, scratch);
  for (; at + 16 <= bytes; at += 16) {
    if (words) turn(hashes, words, stride, at, scratch);
    let total = f32x4.splat(0);
    for (let g = 0; g < groups; g++) {
      const mean = groupMean(scratch, g, size, at, true);
      v128.store(values + (g as usize) * GROUP, mean);
      total = f32x4.add(total, mean);
    }
    v128.store(out + at, medianOrLost(values, groups, total, room));
  }
  for (; at < bytes; at += 4) {
    if (words) turn(hashes, words, stride, at, scratch);
    let total = f32x4.splat(0);
    for (let g = 0; g < groups; g++) {
      const mean = groupMean(scratch, g, size, at, false);
      v128.store(values + (g as usize) * GROUP, mean);
      total = f32x4.add(total, mean);
    }
    const middle = medianOrLost(values, groups, total, room);
    store<f32>(out + at, f32x4.extract_lane(middle, 0));
  }
}

function withSigns(
  hashes: i32,
  bytes: usize,
  slots: usize,
  words: usize,
  stride: usize,
  sketch: usize,
  out: usize,
): void {
  if (hashes == 1) few(1, true, bytes, slots, words, stride, sketch, out);
  else if (hashes == 2) few(2, true, bytes, slots, words, stride, sketch, out);
  else if (hashes == 3) few(3, true, bytes, slots, words, stride, sketch, out);
  else if (hashes == 4) few(4, true, bytes, slots, words, stride, sketch, out);
  else few(5, true, bytes, slots, words, stride, sketch, out);
}

function withoutSigns(hashes: i32, bytes: usize, slots: usize, sketch: usize, out: usize): void {
  if (hashes == 1) few(1, false, bytes, slots, 0, 0, sketch, out);
  else if (hashes == 2) few(2, false, bytes, slots, 0, 0, sketch, out);
  else if (hashes == 3) few(3, false, bytes, slots, 0, 0, sketch, out);
  else if (hashes == 4) few(4, false, bytes, slots, 0, 0, sketch, out);
  else few(5, false, bytes, slots, 0, 0, sketch, out);
}

/** The median of up to five rows, which is what most have, in registers; `hashes` and `own` are known where this is compiled. */
// @ts-ignore: decorator
@inline
function few(
  hashes: i32,
  own: bool, // a sign for each column
  bytes: usize,
  slots: usize,
  words: usize,
  stride: usize,
  sketch: usize,
  out: usize,
): void {
  const p0 = rowOf(slots, 0, sketch);
  const p1 = hashes > 1 ? rowOf(slots, 1, sketch) : p0;
  const p2 = hashes > 2 ? rowOf(slots, 2, sketch) : p0;
  const p3 = hashes > 3 ? rowOf(slots, 3, sketch) : p0;
  const p4 = hashes > 4 ? rowOf(slots, 4, sketch) : p0;
  let f0 = flipOf(slots, 0);
  let f1 = hashes > 1 ? flipOf(slots, 1) : f0;
  let f2 = hashes > 2 ? flipOf(slots, 2) : f0;
  let f3 = hashes > 3 ? flipOf(slots, 3) : f0;
  let f4 = hashes > 4 ? flipOf(slots, 4) : f0;
  let total = f32x4.splat(0); // NaN once a value is; one of the first row is never lost
  for (let at: usize = 0; at < bytes; at += 16) {
    if (own) {
      const mask = maskAt(at);
      const word = words + ((at >> 7) << 2);
      f0 = flips(word, mask);
      if (hashes > 1) f1 = flips(word + stride, mask);
      if (hashes > 2) f2 = flips(word + 2 * stride, mask);
      if (hashes > 3) f3 = flips(word + 3 * stride, mask);
      if (hashes > 4) f4 = flips(word + 4 * stride, mask);
    }
    let middle = v128.xor(v128.load(p0 + at), f0);
    if (hashes > 1) {
      const b = v128.xor(v128.load(p1 + at), f1);
      if (hashes == 2) {
        middle = f32x4.mul(f32x4.add(middle, b), f32x4.splat(0.5));
      } else {
        const c = v128.xor(v128.load(p2 + at), f2);
        total = f32x4.add(total, f32x4.add(b, c));
        if (hashes == 3) {
          middle = middleOfThree(middle, b, c);
        } else {
          const d = v128.xor(v128.load(p3 + at), f3);
          total = f32x4.add(total, d);
          const low = greater(lesser(middle, b), lesser(c, d));
          const high = lesser(greater(middle, b), greater(c, d));
          if (hashes == 4) {
            middle = f32x4.mul(f32x4.add(low, high), f32x4.splat(0.5));
          } else {
            const e = v128.xor(v128.load(p4 + at), f4);
            total = f32x4.add(total, e);
            middle = middleOfThree(low, high, e);
          }
        }
      }
    }
    v128.store(out + at, middle);
  }
  if (hashes > 2 && isLost(total)) showLost(hashes, bytes, slots, sketch, out);
}

/** Whether a NaN went into a sum; opposite infinities may feign one. */
// @ts-ignore: decorator
@inline
function isLost(total: v128): bool {
  return v128.any_true(f32x4.ne(total, total));
}

/** Makes NaN the columns of an estimate where one of the rows is: minima and maxima may lose it. */
function showLost(hashes: i32, bytes: usize, slots: usize, sketch: usize, out: usize): void {
  for (let i = 0; i < hashes; i++) {
    const row = rowOf(slots, i, sketch);
    for (let at: usize = 0; at < bytes; at += 4) {
      const value = load<f32>(row + at);
      if (value != value) store<f32>(out + at, value);
    }
  }
}

/** The median of `n` fours of numbers, NaN where one of them is; `total` is their sum. */
// @ts-ignore: decorator
@inline
function medianOrLost(values: usize, n: i32, total: v128, room: usize): v128 {
  let lost = f32x4.splat(0);
  if (isLost(total)) {
    for (let g = 0; g < n; g++) {
      const value = v128.load(values + (g as usize) * GROUP);
      lost = v128.or(lost, f32x4.ne(value, value));
    }
  }
  return v128.or(median(values, n, room), lost);
}
