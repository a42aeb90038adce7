/**
 * Sparse matrices times one vector: y_o = min(max(Σ_e values[e] · x[column of e] + plus[o], low), high), for a weight in
 * each of the three forms of `sparse-rows.ts`, `sparse-blocks.ts` and `sparse-groups.ts`.
 *
 * Every form keeps several outputs side by side in a register, so that no sum is added up across it, and reads its
 * entries in one stream. `plus` at 0 is none; it may be y itself.
 */
import { fma } from './fma';

/** Four numbers at 16-bit byte offsets. */
// @ts-ignore: decorator
@inline
function gather(base: usize, offsets: usize): v128 {
  let x = v128.load32_zero(base + (load<u16>(offsets) as usize));
  x = v128.load32_lane(base + (load<u16>(offsets, 2) as usize), x, 1);
  x = v128.load32_lane(base + (load<u16>(offsets, 4) as usize), x, 2);
  return v128.load32_lane(base + (load<u16>(offsets, 6) as usize), x, 3);
}

// @ts-ignore: decorator
@inline
function finished(sum: f32, plus: usize, at: usize, low: f32, high: f32): f32 {
  return min<f32>(max<f32>(plus == 0 ? sum : sum + load<f32>(plus + at), low), high);
}

/**
 * Slices of eight rows: entry e of all of them, `starts[s]` ≤ e < `starts[s + 1]`, lies side by side. `order` says which
 * output a row is. `scratch` holds x, a zero that the offsets of missing entries lead to, and eight sums.
 */
export function sparseVector(
  rows: i32, inputs: i32, order: usize, starts: usize, offsets: usize, values: usize,
  x: usize, scratch: usize, plus: usize, y: usize, low: f32, high: f32,
): void {
  const bytes = (inputs as usize) << 2;
  const sums = scratch + bytes + 4;
  memory.copy(scratch, x, bytes);
  store<f32>(scratch + bytes, 0);
  for (let r = 0; r < rows; r += 8) {
    let c0 = f32x4.splat(0);
    let c1 = f32x4.splat(0);
    const count = load<i32>(starts, 4) - load<i32>(starts);
    starts += 4;
    for (let e = count; e > 0; e--) {
      c0 = fma(v128.load(values), gather(scratch, offsets), c0);
      c1 = fma(v128.load(values, 16), gather(scratch, offsets + 8), c1);
      values += 32;
      offsets += 16;
    }
    v128.store(sums, c0);
    v128.store(sums, c1, 16);
    const present = min(8, rows - r);
    for (let i = 0; i < present; i++) {
      const at = (load<i32>(order) as usize) << 2;
      store<f32>(y + at, finished(load<f32>(sums + ((i as usize) << 2)), plus, at, low, high));
      order += 4;
    }
  }
}

/** Blocks of four consecutive outputs for each input: `offsets` are 32-bit byte offsets into x. */
export function blockVector(
  rows: i32, starts: usize, offsets: usize, values: usize, x: usize, plus: usize, y: usize, low: f32, high: f32,
): void {
  for (let r = 0; r < rows; r += 4) {
    let c0 = f32x4.splat(0), c1 = f32x4.splat(0), c2 = f32x4.splat(0), c3 = f32x4.splat(0);
    let count = load<i32>(starts, 4) - load<i32>(starts);
    starts += 4;
    for (; count >= 4; count -= 4) {
      c0 = fma(v128.load(values), v128.load32_splat(x + (load<u32>(offsets) as usize)), c0);
      c1 = fma(v128.load(values, 16), v128.load32_splat(x + (load<u32>(offsets, 4) as usize)), c1);
      c2 = fma(v128.load(values, 32), v128.load32_splat(x + (load<u32>(offsets, 8) as usize)), c2);
      c3 = fma(v128.load(values, 48), v128.load32_splat(x + (load<u32>(offsets, 12) as usize)), c3);
      values += 64;
      offsets += 16;
    }
    for (; count > 0; count--) {
      c0 = fma(v128.load(values), v128.load32_splat(x + (load<u32>(offsets) as usize)), c0);
      values += 16;
      offsets += 4;
    }
    store4(f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3)), r, rows, plus, y, low, high);
  }
}

/** The sums of outputs r … r + 3, as many as there are. */
// @ts-ignore: decorator
@inline
function store4(sum: v128, r: i32, rows: i32, plus: usize, y: usize, low: f32, high: f32): void {
  const at = (r as usize) << 2;
  if (r + 4 <= rows) {
    const whole = plus == 0 ? sum : f32x4.add(sum, v128.load(plus + at));
    v128.store(y + at, f32x4.min(f32x4.max(whole, f32x4.splat(low)), f32x4.splat(high)));
    return;
  }
  if (r < rows) store<f32>(y + at, finished(f32x4.extract_lane(sum, 0), plus, at, low, high));
  if (r + 1 < rows) store<f32>(y + at, finished(f32x4.extract_lane(sum, 1), plus, at + 4, low, high), 4);
  if (r + 2 < rows) store<f32>(y + at, finished(f32x4.extract_lane(sum, 2), plus, at + 8, low, high), 8);
}

/** Of the four numbers of `x`, those that a byte of four 2-bit places names. */
// @ts-ignore: decorator
@inline
function choose(x: v128, places: usize, table: usize): v128 {
  const lanes = v128.load(table + ((load<u8>(places) as usize) << 4));
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(x, lanes);
  return i8x16.swizzle(x, lanes);
}

/**
 * At most `slots` of each four consecutive inputs, for eight outputs at a time: eight values and two bytes of 2-bit places for
 * each slot of each group. `table` turns such a byte into the places of bytes. `scratch` holds x, filled up with zeros.
 */
export function groupVector(
  rows: i32, inputs: i32, slots: i32, values: usize, places: usize, table: usize,
  x: usize, scratch: usize, plus: usize, y: usize, low: f32, high: f32,
): void {
  const bytes = (inputs as usize) << 2;
  const groups = (inputs + 3) >> 2;
  v128.store(scratch + (((groups - 1) as usize) << 4), f32x4.splat(0));
  memory.copy(scratch, x, bytes);
  for (let r = 0; r < rows; r += 8) {
    let c0 = f32x4.splat(0), c1 = f32x4.splat(0), c2 = f32x4.splat(0), c3 = f32x4.splat(0);
    let from = scratch;
    if (slots == 2) {
      for (let g = groups; g > 0; g--) {
        const four = v128.load(from);
        from += 16;
        c0 = fma(v128.load(values), choose(four, places, table), c0);
        c1 = fma(v128.load(values, 16), choose(four, places + 1, table), c1);
        c2 = fma(v128.load(values, 32), choose(four, places + 2, table), c2);
        c3 = fma(v128.load(values, 48), choose(four, places + 3, table), c3);
        values += 64;
        places += 4;
      }
      c0 = f32x4.add(c0, c2);
      c1 = f32x4.add(c1, c3);
    } else {
      for (let g = groups; g > 0; g--) {
        const four = v128.load(from);
        from += 16;
        for (let s = slots; s > 0; s--) {
          c0 = fma(v128.load(values), choose(four, places, table), c0);
          c1 = fma(v128.load(values, 16), choose(four, places + 1, table), c1);
          values += 32;
          places += 2;
        }
      }
    }
    store4(c0, r, rows, plus, y, low, high);
    if (r + 4 < rows) store4(c1, r + 4, rows, plus, y, low, high);
  }
}
