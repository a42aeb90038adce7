/** Token-wise dynamic quantisation of activations. */

/**
 * Rows of `inputs` numbers to int8, each with a scale = max |x| / 127 of its own, nearest, ties to even, widened to 16 bits. A group of
 * inputs starts at an even place, an input that is none is 0: a row is `depth` long. `sums` are those of each group, 0 is none.
 * A row with a NaN gets the scale NaN.
 */
export function quantizeRows(
  rows: i32, inputs: i32, group: i32, depth: i32, x: usize, to: usize, scales: usize, sums: usize,
): void {
  for (let r = 0; r < rows; r++) {
    const scale = largest(x, inputs) / 127;
    store<f32>(scales, scale);
    scales += 4;
    const next = to + ((depth as usize) << 1);
    for (let i = 0; i < inputs; i += group) {
      const count = min(group, inputs - i);
      const sum = quantize(x, count, scale, to);
      if (sums != 0) {
        store<i32>(sums, sum);
        sums += 4;
      }
      x += (count as usize) << 2;
      to += (count as usize) << 1;
      if ((count & 1) != 0) {
        store<i16>(to, 0);
        to += 2;
      }
    }
    to = next;
  }
}

/** The largest |x|, NaN if there is one. */
// @ts-ignore: decorator
@inline
function largest(x: usize, count: i32): f32 {
  let most = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    most = f32x4.max(most, f32x4.abs(v128.load(x)));
    x += 16;
  }
  let one = max<f32>(
    max<f32>(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
    max<f32>(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
  );
  for (; i < count; i++) {
    one = max<f32>(one, abs<f32>(load<f32>(x)));
    x += 4;
  }
  return one;
}

/** Four numbers in steps of `scales`, NaN as 0; 0 where there is no scale. */
// @ts-ignore: decorator
@inline
function steps(x: v128, scales: v128): v128 {
  const whole = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.div(x, scales)));
  const within = i32x4.max_s(i32x4.min_s(whole, i32x4.splat(127)), i32x4.splat(-127));
  return v128.and(within, f32x4.gt(scales, f32x4.splat(0)));
}

/** `count` numbers to 16 bits; returns their sum. */
function quantize(x: usize, count: i32, scale: f32, to: usize): i32 {
  const scales = f32x4.splat(scale);
  let sums = i32x4.splat(0);
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    const a = steps(v128.load(x), scales), b = steps(v128.load(x, 16), scales);
    v128.store(to, i16x8.narrow_i32x4_s(a, b));
    sums = i32x4.add(sums, i32x4.add(a, b));
    x += 32;
    to += 16;
  }
  let sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3);
  for (; i < count; i++) {
    const one = i32x4.extract_lane(steps(v128.load32_splat(x), scales), 0);
    store<i16>(to, one as i16);
    sum += one;
    x += 4;
    to += 2;
  }
  return sum;
}
