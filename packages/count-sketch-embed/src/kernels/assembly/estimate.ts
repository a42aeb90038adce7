/** Bytes of an entry of {@link pointers}, and of four numbers. */
export const SLOT: usize = 32;
export const GROUP: usize = 16;

/** Bytes of the words of one slot. */
// @ts-ignore: decorator
@inline
export function wordBytes(dimension: i32): usize {
  return (((dimension + 31) >> 5) as usize) << 2;
}

/** Where the row of slot `i` begins. */
// @ts-ignore: decorator
@inline
export function rowOf(slots: usize, i: i32, sketch: usize): usize {
  return sketch + ((load<i32>(slots + ((i as usize) << 2)) >> 1) as usize) * 4;
}

/** The sign bit of slot `i`, four times. */
// @ts-ignore: decorator
@inline
export function flipOf(slots: usize, i: i32): v128 {
  return i32x4.splat(load<i32>(slots + ((i as usize) << 2)) << 31);
}

/** The bits of a word that are those of the four columns from byte `at` of a row on. */
// @ts-ignore: decorator
@inline
export function maskAt(at: usize): v128 {
  return i32x4.shl(i32x4(1, 2, 4, 8), ((at >> 2) & 31) as i32);
}

/** The sign bits of four columns: those that `mask` has in the word at `words`. */
// @ts-ignore: decorator
@inline
export function flips(words: usize, mask: v128): v128 {
  return i32x4.shl(i32x4.eq(v128.and(v128.load32_splat(words), mask), mask), 31);
}

/** Writes for each slot where its row begins, and at 16 the bits that turn the signs of four columns. */
// @ts-ignore: decorator
@inline
export function pointers(hashes: i32, slots: usize, sketch: usize, to: usize): void {
  for (let i = 0; i < hashes; i++, to += SLOT) {
    store<u32>(to, rowOf(slots, i, sketch) as u32);
    v128.store(to, flipOf(slots, i), 16);
  }
}

/** Sets the sign bits of the entries of {@link pointers} to those of the columns from byte `at` of a row on. */
export function turn(hashes: i32, words: usize, stride: usize, at: usize, entries: usize): void {
  const mask = maskAt(at);
  words += (at >> 7) << 2;
  for (let i = 0; i < hashes; i++, words += stride, entries += SLOT) {
    v128.store(entries, flips(words, mask), 16);
  }
}

/** The mean of a group of `size` rows at four columns, or at one of them. */
// @ts-ignore: decorator
@inline
export function groupMean(entries: usize, group: i32, size: i32, at: usize, four: bool): v128 {
  let entry = entries + ((group * size) as usize) * SLOT;
  let sum = signed(entry, at, four);
  for (let s = 1; s < size; s++) {
    entry += SLOT;
    sum = f32x4.add(sum, signed(entry, at, four));
  }
  return size == 1 ? sum : f32x4.div(sum, f32x4.splat(size as f32));
}

// @ts-ignore: decorator
@inline
function signed(entry: usize, at: usize, four: bool): v128 {
  const p = (load<u32>(entry) as usize) + at;
  return v128.xor(four ? v128.load(p) : v128.load32_splat(p), v128.load(entry, 16));
}

/**
 * One instruction each, where `min` and `max` take care of NaN and of two zeros; a NaN that
 * is not the first argument is lost.
 */
// @ts-ignore: decorator
@inline
export function lesser(a: v128, b: v128): v128 {
  return f32x4.pmin(a, b);
}

// @ts-ignore: decorator
@inline
export function greater(a: v128, b: v128): v128 {
  return f32x4.pmax(a, b);
}

// @ts-ignore: decorator
@inline
export function middleOfThree(a: v128, b: v128, c: v128): v128 {
  return greater(lesser(a, b), lesser(greater(a, b), c));
}

/** The median of `n` fours of numbers; for an even number the mean of the middle two. `room` is for two fours. */
// @ts-ignore: decorator
@inline
export function median(values: usize, n: i32, room: usize): v128 {
  if (n == 1) return v128.load(values);
  middles(values, n, room);
  const lower = v128.load(room);
  return n & 1 ? lower : f32x4.mul(f32x4.add(lower, v128.load(room, GROUP)), f32x4.splat(0.5));
}

/** Writes the middle two of `n` fours of numbers to `to`, which are the same for an odd number. May change their order. */
export function middles(values: usize, n: i32, to: usize): void {
  if (n > 1 && n <= 5) {
    few(values, n, to);
    return;
  }
  // odd-even transposition
  for (let round = 0; round < n; round++) {
    for (let i = round & 1; i + 1 < n; i += 2) {
      const p = values + (i as usize) * GROUP;
      const a = v128.load(p);
      const b = v128.load(p, GROUP);
      v128.store(p, lesser(a, b));
      v128.store(p, greater(a, b), GROUP);
    }
  }
  v128.store(to, v128.load(values + (((n - 1) >> 1) as usize) * GROUP));
  v128.store(to, v128.load(values + ((n >> 1) as usize) * GROUP), GROUP);
}

// @ts-ignore: decorator
@inline
function few(values: usize, n: i32, to: usize): void {
  const a = v128.load(values);
  const b = v128.load(values, 16);
  let low = lesser(a, b);
  let high = greater(a, b);
  if (n == 3) {
    low = high = greater(low, lesser(high, v128.load(values, 32)));
  } else if (n > 3) {
    const c = v128.load(values, 32);
    const d = v128.load(values, 48);
    const x = greater(low, lesser(c, d));
    const y = lesser(high, greater(c, d));
    low = lesser(x, y);
    high = greater(x, y);
    if (n == 5) low = high = greater(low, lesser(high, v128.load(values, 64)));
  }
  v128.store(to, low);
  v128.store(to, high, GROUP);
}
