<<<<<<< HEAD
import { GROUP, SLOT } from './estimate';
=======
import {
  flips,
  groupMean,
  GROUP,
  median,
  middleOfThree,
  middles,
  pointers,
  SLOT,
  turn,
  wordBytes,
} from './estimate';
>>>>>>> c8b972dff10779102d3c232e15c961e870d168f4

export { gradient } from './gradient';
export { lookUp } from './look-up';
export { gradientRobe, lookUpRobe } from './robe';

/** Bytes of the workspace of all kernels, without the sums of a gradient; `hashes` of a ROBE are 0. */
export function workspaceBytes(unique: i32, hashes: i32): i32 {
  return unique * 4 + hashes * (SLOT + 2 * GROUP) + 2 * GROUP;
}
<<<<<<< HEAD
=======

/**
 * Vectors of `n` tokens to `out` `[n, dimension]`. `places` numbers their different ids in the order of first appearance,
 * `slots` has `hashes` entries for each of those: offset of the row in the sketch, in numbers, times two, plus one where the
 * sign is minus; `words`, unless 0, has for each entry a bit for each column, set where its sign is minus. Each id is estimated once, at its first token, and copied to the others.
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
  for (let i = 0; i < n; i++) {
    const place = load<i32>(places + ((i as usize) << 2));
    const first = workspace + ((place as usize) << 2);
    if (place == known) {
      known++;
      store<u32>(first, out as u32);
      estimate(hashes, size, dimension, slots, words, sketch, out, scratch);
      slots += (hashes as usize) << 2;
      if (words) words += (hashes as usize) * wordBytes(dimension);
    } else {
      copyRow(load<u32>(first) as usize, out, dimension);
    }
    out += bytes;
  }
}

/**
 * Adds to `to`, the gradient of the sketch, what `dy` `[n, dimension]` says of the tokens: summed by id in `sums`
 * `[unique, dimension]`, then to the rows that carry the median.
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
  const bytes = (dimension as usize) << 2;
  let known = 0;
  for (let i = 0; i < n; i++) {
    const place = load<i32>(places + ((i as usize) << 2));
    const sum = sums + (place as usize) * bytes;
    if (place == known) {
      known++;
      copyRow(dy, sum, dimension);
    } else {
      addRow(dy, sum, dimension);
    }
    dy += bytes;
  }
  const scratch = workspace + ((unique as usize) << 2);
  for (let k = 0; k < unique; k++) {
    spread(hashes, size, dimension, slots, words, sketch, sums, to, scratch);
    slots += (hashes as usize) << 2;
    if (words) words += (hashes as usize) * wordBytes(dimension);
    sums += bytes;
  }
}

function copyRow(from: usize, to: usize, n: i32): void {
  let c = 0;
  for (; c + 4 <= n; c += 4, from += 16, to += 16) v128.store(to, v128.load(from));
  for (; c < n; c++, from += 4, to += 4) store<f32>(to, load<f32>(from));
}

function addRow(from: usize, to: usize, n: i32): void {
  let c = 0;
  for (; c + 4 <= n; c += 4, from += 16, to += 16) {
    v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
  }
  for (; c < n; c++, from += 4, to += 4) store<f32>(to, load<f32>(to) + load<f32>(from));
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
  if (hashes <= 5 && size == 1) {
    if (words) fewRows(hashes, dimension, slots, sketch, out, words, true);
    else fewRows(hashes, dimension, slots, sketch, out, 0, false);
    return;
  }
  const stride = wordBytes(dimension);
  const groups = hashes / size;
  const values = scratch + (hashes as usize) * SLOT;
  pointers(hashes, slots, sketch, scratch);
  let at: usize = 0;
  const bytes = (dimension as usize) << 2;
  for (; at + 16 <= bytes; at += 16) {
    if (words) turn(hashes, words, stride, at, scratch);
    for (let g = 0; g < groups; g++) {
      v128.store(values + (g as usize) * GROUP, groupMean(scratch, g, size, at, true));
    }
    v128.store(out + at, median(values, groups, values + (hashes as usize) * GROUP));
  }
  for (; at < bytes; at += 4) {
    if (words) turn(hashes, words, stride, at, scratch);
    for (let g = 0; g < groups; g++) {
      v128.store(values + (g as usize) * GROUP, groupMean(scratch, g, size, at, false));
    }
    const middle = median(values, groups, values + (hashes as usize) * GROUP);
    store<f32>(out + at, f32x4.extract_lane(middle, 0));
  }
}

// @ts-ignore: decorator
@inline
function take(p: usize, flip: v128, four: bool): v128 {
  return v128.xor(four ? v128.load(p) : v128.load32_splat(p), flip);
}

/** The median of up to five rows, which is what most have, in registers. */
// @ts-ignore: decorator
@inline
function fewRows(
  hashes: i32,
  dimension: i32,
  slots: usize,
  sketch: usize,
  out: usize,
  words: usize,
  own: bool, // a sign for each column
): void {
  const s0 = load<i32>(slots);
  const s1 = hashes > 1 ? load<i32>(slots, 4) : s0;
  const s2 = hashes > 2 ? load<i32>(slots, 8) : s0;
  const s3 = hashes > 3 ? load<i32>(slots, 12) : s0;
  const s4 = hashes > 4 ? load<i32>(slots, 16) : s0;
  const p0 = sketch + ((s0 >> 1) as usize) * 4;
  const p1 = sketch + ((s1 >> 1) as usize) * 4;
  const p2 = sketch + ((s2 >> 1) as usize) * 4;
  const p3 = sketch + ((s3 >> 1) as usize) * 4;
  const p4 = sketch + ((s4 >> 1) as usize) * 4;
  let f0 = i32x4.splat(s0 << 31);
  let f1 = i32x4.splat(s1 << 31);
  let f2 = i32x4.splat(s2 << 31);
  let f3 = i32x4.splat(s3 << 31);
  let f4 = i32x4.splat(s4 << 31);
  const w1 = hashes > 1 ? wordBytes(dimension) : 0;
  const w2 = hashes > 2 ? w1 * 2 : 0;
  const w3 = hashes > 3 ? w1 * 3 : 0;
  const w4 = hashes > 4 ? w1 * 4 : 0;
  const half = f32x4.splat(0.5);
  const bytes = (dimension as usize) << 2;
  for (let at: usize = 0; at < bytes; ) {
    const four = at + 16 <= bytes;
    if (own) {
      const mask = i32x4.shl(i32x4(1, 2, 4, 8), ((at >> 2) & 31) as i32);
      const word = words + ((at >> 7) << 2);
      f0 = flips(v128.load32_splat(word), mask);
      f1 = flips(v128.load32_splat(word + w1), mask);
      f2 = flips(v128.load32_splat(word + w2), mask);
      f3 = flips(v128.load32_splat(word + w3), mask);
      f4 = flips(v128.load32_splat(word + w4), mask);
    }
    let middle = take(p0 + at, f0, four);
    if (hashes > 1) {
      const b = take(p1 + at, f1, four);
      if (hashes == 2) {
        middle = f32x4.mul(f32x4.add(middle, b), half);
      } else {
        const c = take(p2 + at, f2, four);
        if (hashes == 3) {
          middle = middleOfThree(middle, b, c);
        } else {
          const d = take(p3 + at, f3, four);
          const low = f32x4.max(f32x4.min(middle, b), f32x4.min(c, d));
          const high = f32x4.min(f32x4.max(middle, b), f32x4.max(c, d));
          middle =
            hashes == 4
              ? f32x4.mul(f32x4.add(low, high), half)
              : middleOfThree(low, high, take(p4 + at, f4, four));
        }
      }
    }
    if (four) {
      v128.store(out + at, middle);
      at += 16;
    } else {
      store<f32>(out + at, f32x4.extract_lane(middle, 0));
      at += 4;
    }
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
  const groups = hashes / size;
  const values = scratch + (hashes as usize) * SLOT;
  const shares = values + (hashes as usize) * GROUP;
  const shift = to - sketch;
  if (hashes == 3 && size == 1) {
    if (words) spreadThree(dimension, slots, sketch, dy, to, words, true);
    else spreadThree(dimension, slots, sketch, dy, to, 0, false);
    return;
  }
  const stride = wordBytes(dimension);
  pointers(hashes, slots, sketch, scratch);
  let at: usize = 0;
  const bytes = (dimension as usize) << 2;
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

/** {@link spread} for three rows, each a group; the rows may be the same one. */
// @ts-ignore: decorator
@inline
function spreadThree(
  dimension: i32,
  slots: usize,
  sketch: usize,
  dy: usize,
  to: usize,
  words: usize,
  own: bool, // a sign for each column
): void {
  const x = load<i32>(slots);
  const y = load<i32>(slots, 4);
  const z = load<i32>(slots, 8);
  let p = ((x >> 1) as usize) * 4;
  let q = ((y >> 1) as usize) * 4;
  let r = ((z >> 1) as usize) * 4;
  let flipX = i32x4.splat(x << 31);
  let flipY = i32x4.splat(y << 31);
  let flipZ = i32x4.splat(z << 31);
  const stride = wordBytes(dimension);
  const one = f32x4.splat(1);
  for (let c = 0; c < dimension; ) {
    const four = c + 4 <= dimension;
    if (own) {
      const mask = i32x4.shl(i32x4(1, 2, 4, 8), c & 31);
      const word = words + (((c >> 5) as usize) << 2);
      flipX = flips(v128.load32_splat(word), mask);
      flipY = flips(v128.load32_splat(word + stride), mask);
      flipZ = flips(v128.load32_splat(word + 2 * stride), mask);
    }
    const a = take(sketch + p, flipX, four);
    const b = take(sketch + q, flipY, four);
    const d = take(sketch + r, flipZ, four);
    const median = middleOfThree(a, b, d);
    const isA = f32x4.eq(a, median);
    const isB = f32x4.eq(b, median);
    const isD = f32x4.eq(d, median);
    const count = f32x4.add(f32x4.add(v128.and(isA, one), v128.and(isB, one)), v128.and(isD, one));
    const part = f32x4.div(four ? v128.load(dy) : v128.load32_splat(dy), count);
    addTo(to + p, v128.xor(v128.and(isA, part), flipX), four);
    addTo(to + q, v128.xor(v128.and(isB, part), flipY), four);
    addTo(to + r, v128.xor(v128.and(isD, part), flipZ), four);
    const step: usize = four ? 16 : 4;
    c += four ? 4 : 1;
    p += step;
    q += step;
    r += step;
    dy += step;
  }
}

// @ts-ignore: decorator
@inline
function addTo(to: usize, part: v128, four: bool): void {
  if (four) v128.store(to, f32x4.add(v128.load(to), part));
  else store<f32>(to, load<f32>(to) + f32x4.extract_lane(part, 0));
}
>>>>>>> c8b972dff10779102d3c232e15c961e870d168f4
