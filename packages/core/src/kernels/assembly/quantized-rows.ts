/** Activations in int8, or on its grid as floats. */

/**
 * Rows of `inputs` numbers to int8, x · (127 / max |x|) to the nearest, ties to even, with a scale = max |x| / 127 of its own, of so many
 * `bytes`: 1, or 2. A row whose largest is below 127 / 2¹²⁸ is 0.
 * A group of inputs starts at an even place, an input that is none is 0: a row is `depth` long. `sums` are those of each group.
 * A row with a NaN gets the scale NaN.
 */
export function quantizeRows(
  rows: i32, inputs: i32, group: i32, depth: i32, bytes: i32, x: usize, to: usize, scales: usize, sums: usize,
): void {
  const shift: usize = bytes - 1;
  for (let r = 0; r < rows; r++) {
    const most = largest(x, inputs);
    let factor: f32 = 127 / most;
    if (factor == Infinity) factor = 0;
    store<f32>(scales, most / 127);
    scales += 4;
    const next = to + ((depth as usize) << shift);
    for (let i = 0; i < inputs; i += group) {
      const count = min(group, inputs - i);
      store<i32>(sums, quantize(x, count, factor, bytes == 2, to));
      sums += 4;
      x += (count as usize) << 2;
      to += (count as usize) << shift;
      if ((count & 1) != 0) {
        if (bytes == 2) store<i16>(to, 0);
        else store<i8>(to, 0);
        to += bytes as usize;
      }
    }
    to = next;
  }
}

/** The largest |x|, NaN if there is one: as integers, the bits of numbers without sign are in the order of the numbers, then NaN. */
// @ts-ignore: decorator
@inline
function largest(x: usize, count: i32): f32 {
  const magnitude = i32x4.splat(0x7fffffff);
  let most = i32x4.splat(0), more = most;
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    most = i32x4.max_s(most, v128.and(v128.load(x), magnitude));
    more = i32x4.max_s(more, v128.and(v128.load(x, 16), magnitude));
    x += 32;
  }
  for (; i < count; i++) {
    most = i32x4.max_s(most, v128.and(v128.load32_zero(x), magnitude));
    x += 4;
  }
  most = i32x4.max_s(most, more);
  most = i32x4.max_s(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1));
  most = i32x4.max_s(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2));
  return f32x4.extract_lane(most, 0);
}

/** Four numbers times `factor`, nearest, ties to even: adding 1.5·2²³ leaves no bits behind the point, and the integer in the low ones. */
// @ts-ignore: decorator
@inline
function steps(x: v128, factor: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.mul(x, factor), f32x4.splat(12582912)), i32x4.splat(0x4b400000));
}

/** `count` numbers times `factor`, to 16 bits, or 8; returns their sum. */
function quantize(x: usize, count: i32, factor: f32, wide: bool, to: usize): i32 {
  const factors = f32x4.splat(factor);
  let sums = i32x4.splat(0);
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    const a = steps(v128.load(x), factors), b = steps(v128.load(x, 16), factors);
    const eight = i16x8.narrow_i32x4_s(a, b);
    if (wide) {
      v128.store(to, eight);
      to += 16;
    } else {
      v128.store64_lane(to, i8x16.narrow_i16x8_s(eight, eight), 0);
      to += 8;
    }
    sums = i32x4.add(sums, i32x4.add(a, b));
    x += 32;
  }
  let sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3);
  for (; i < count; i++) {
    const one = i32x4.extract_lane(steps(v128.load32_splat(x), factors), 0);
    if (wide) {
      store<i16>(to, one as i16);
      to += 2;
    } else {
      store<i8>(to, one as i8);
      to += 1;
    }
    sum += one;
    x += 4;
  }
  return sum;
}

/**
 * Rows of `n` numbers on a grid: y = min(max(x / scale to the nearest, ties to even, low), high) · scale. A scale of 0 is for each row max |x| / 127
 * of its own; a row where that is 0 becomes 0.
 */
export function gridRows(rows: i32, n: i32, x: usize, scale: f32, low: f32, high: f32, y: usize): void {
  const lows = f32x4.splat(low), highs = f32x4.splat(high);
  for (let r = 0; r < rows; r++) {
    const step: f32 = scale != 0 ? scale : largest(x, n) / 127;
    if (step == 0) {
      memory.fill(y, 0, (n as usize) << 2);
      x += (n as usize) << 2;
      y += (n as usize) << 2;
      continue;
    }
    const apart = f32x4.splat(step);
    let i = 0;
    for (; i + 4 <= n; i += 4) {
      v128.store(y, onGrid(v128.load(x), apart, lows, highs));
      x += 16;
      y += 16;
    }
    for (; i < n; i++) {
      v128.store32_lane(y, onGrid(v128.load32_splat(x), apart, lows, highs), 0);
      x += 4;
      y += 4;
    }
  }
}

// @ts-ignore: decorator
@inline
function onGrid(x: v128, step: v128, low: v128, high: v128): v128 {
  return f32x4.mul(f32x4.min(f32x4.max(f32x4.nearest(f32x4.div(x, step)), low), high), step);
}
