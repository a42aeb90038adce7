import {
  flipOf,
  flips,
  GROUP,
  groupMean,
  maskAt,
  middleOfThree,
  middles,
  pointers,
  rowOf,
  SLOT,
  turn,
  wordBytes,
} from './estimate';
import { sumById } from './rows';

/**
 * Adds to `to`, the gradient of the sketch, what `dy` `[n, dimension]` says of the tokens: summed by id in `sums`
 * `[unique, dimension]`, then to the rows that carry the median. The rest is as {@link lookUp} has it.
 */
export function gradient(
  n: i32,
  unique: i32,
  hashes: i32,
  size: i32,
  dimension: i32,
  places: usize,
  slots: usize,
  words: usize,
  sketch: usize,
  dy: usize,
  to: usize,
  sums: usize,
  workspace: usize,
): void {
  sumById(n, dimension, places, dy, sums, workspace);
  const scratch = workspace + ((unique as usize) << 2);
  for (let k = 0; k < unique; k++) {
    const own = load<u32>(workspace + ((k as usize) << 2)) as usize;
    spread(hashes, size, dimension, slots, words, sketch, own, to, scratch);
    slots += (hashes as usize) << 2;
    if (words) words += (hashes as usize) * wordBytes(dimension);
  }
}

/** Adds the gradient `dy` of one id to the rows that carry its estimate. */
function spread(
  hashes: i32,
  size: i32,
  dimension: i32,
  slots: usize,
  words: usize,
  sketch: usize,
  dy: usize,
  to: usize,
  scratch: usize,
): void {
  let at: usize = 0;
  const bytes = (dimension as usize) << 2;
  const stride = wordBytes(dimension);
  if (size == 1 && (hashes == 3 || hashes == 1)) {
    at = bytes & ~15;
    if (hashes == 1) {
      if (words) spreadOne(true, at, slots, words, dy, to);
      else spreadOne(false, at, slots, 0, dy, to);
    } else if (words) spreadThree(true, at, slots, words, stride, sketch, dy, to);
    else spreadThree(false, at, slots, 0, 0, sketch, dy, to);
    if (at == bytes) return;
  }
  const groups = hashes / size;
  const values = scratch + (hashes as usize) * SLOT;
  const shares = values + (hashes as usize) * GROUP;
  const shift = to - sketch;
  pointers(hashes, slots, sketch, scratch);
  for (; at + 16 <= bytes; at += 16) {
    if (words) turn(hashes, words, stride, at, scratch);
    for (let g = 0; g < groups; g++) {
      v128.store(values + (g as usize) * GROUP, groupMean(scratch, g, size, at, true));
    }
    share(v128.load(dy + at), groups, size, values, shares);
    for (let i = 0; i < hashes; i++) {
      const slot = scratch + (i as usize) * SLOT;
      const row = (load<u32>(slot) as usize) + shift + at;
      const part = v128.load(shares + ((i / size) as usize) * GROUP);
      v128.store(row, f32x4.add(v128.load(row), v128.xor(part, v128.load(slot, 16))));
    }
  }
  for (; at < bytes; at += 4) {
    if (words) turn(hashes, words, stride, at, scratch);
    for (let g = 0; g < groups; g++) {
      v128.store(values + (g as usize) * GROUP, groupMean(scratch, g, size, at, false));
    }
    share(v128.load32_splat(dy + at), groups, size, values, shares);
    for (let i = 0; i < hashes; i++) {
      const slot = scratch + (i as usize) * SLOT;
      const row = (load<u32>(slot) as usize) + shift + at;
      const part = v128.xor(v128.load(shares + ((i / size) as usize) * GROUP), v128.load(slot, 16));
      store<f32>(row, load<f32>(row) + f32x4.extract_lane(part, 0));
    }
  }
}

/** What of `dy` each member of each group gets: values equal to the median share it; for an even number, half for each of the middle two. */
// @ts-ignore: decorator
@inline
function share(dy: v128, groups: i32, size: i32, values: usize, shares: usize): void {
  const bytes = (groups as usize) * GROUP;
  const two = shares + bytes;
  for (let g: usize = 0; g < bytes; g += GROUP) v128.store(shares + g, v128.load(values + g));
  middles(shares, groups, two);
  const lower = v128.load(two);
  const upper = v128.load(two, GROUP);
  const one = f32x4.splat(1);
  let atLower = f32x4.splat(0);
  let atUpper = f32x4.splat(0);
  for (let g: usize = 0; g < bytes; g += GROUP) {
    const value = v128.load(values + g);
    atLower = f32x4.add(atLower, v128.and(f32x4.eq(value, lower), one));
    atUpper = f32x4.add(atUpper, v128.and(f32x4.eq(value, upper), one));
  }
  const half = f32x4.mul(dy, f32x4.splat(<f32>0.5 / (size as f32)));
  const ofLower = f32x4.div(half, atLower);
  const ofUpper = f32x4.div(half, atUpper);
  for (let g: usize = 0; g < bytes; g += GROUP) {
    const value = v128.load(values + g);
    const low = v128.and(f32x4.eq(value, lower), ofLower);
    v128.store(shares + g, f32x4.add(low, v128.and(f32x4.eq(value, upper), ofUpper)));
  }
}

/** {@link spread} to the one row there is; `own` is known where this is compiled. */
// @ts-ignore: decorator
@inline
function spreadOne(own: bool, bytes: usize, slots: usize, words: usize, dy: usize, to: usize): void {
  const p = rowOf(slots, 0, to);
  let flip = flipOf(slots, 0);
  for (let at: usize = 0; at < bytes; at += 16) {
    if (own) flip = flips(words + ((at >> 7) << 2), maskAt(at));
    add(p + at, v128.xor(v128.load(dy + at), flip));
  }
}

/** {@link spread} for three rows, each a group; the rows may be the same one. `own` is known where this is compiled. */
// @ts-ignore: decorator
@inline
function spreadThree(
  own: bool, // a sign for each column
  bytes: usize,
  slots: usize,
  words: usize,
  stride: usize,
  sketch: usize,
  dy: usize,
  to: usize,
): void {
  let x = rowOf(slots, 0, sketch);
  let y = rowOf(slots, 1, sketch);
  let z = rowOf(slots, 2, sketch);
  const shift = to - sketch;
  let flipX = flipOf(slots, 0);
  let flipY = flipOf(slots, 1);
  let flipZ = flipOf(slots, 2);
  for (let at: usize = 0; at < bytes; at += 16) {
    if (own) {
      const mask = maskAt(at);
      const word = words + ((at >> 7) << 2);
      flipX = flips(word, mask);
      flipY = flips(word + stride, mask);
      flipZ = flips(word + 2 * stride, mask);
    }
    const a = v128.xor(v128.load(x + at), flipX);
    const b = v128.xor(v128.load(y + at), flipY);
    const c = v128.xor(v128.load(z + at), flipZ);
    const median = middleOfThree(a, b, c);
    const isA = f32x4.eq(a, median);
    const isB = f32x4.eq(b, median);
    const isC = f32x4.eq(c, median);
    let part = v128.load(dy + at);
    const equal = v128.or(v128.and(isA, isB), v128.and(isC, v128.or(isA, isB)));
    if (v128.any_true(equal)) {
      const one = f32x4.splat(1);
      const two = f32x4.add(v128.and(isA, one), v128.and(isB, one));
      part = f32x4.div(part, f32x4.add(two, v128.and(isC, one)));
    }
    add(x + shift + at, v128.xor(v128.and(isA, part), flipX));
    add(y + shift + at, v128.xor(v128.and(isB, part), flipY));
    add(z + shift + at, v128.xor(v128.and(isC, part), flipZ));
  }
}

// @ts-ignore: decorator
@inline
function add(to: usize, part: v128): void {
  v128.store(to, f32x4.add(v128.load(to), part));
}
