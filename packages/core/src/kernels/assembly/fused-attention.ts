/** One head of attention over few queries: scores, their softmax and the weighted mean of values, without a transposition in memory. */
import { exp4 } from './functions';
import { fma } from './fma';
import { gemm } from './gemm';

/**
 * out = softmax(scale · Q Kᵀ + plus) V of one head of width `d`. Query i sees keys before `first` + i + 1, or all where `first` is
 * negative; `plus`, one number for each key, is none at 0. `ld*` are the distances of rows, in numbers; `scores` has room for
 * rows × keys.
 */
export function fusedAttention(
  rows: i32, keys: i32, d: i32, scale: f32, q: usize, ldq: i32, k: usize, v: usize, ldkv: i32,
  plus: usize, first: i32, out: usize, ldo: i32, scores: usize, workspace: usize,
): void {
  if (rows == 1) queryKeys(keys, d, q, k, ldkv, scores);
  else gemm(false, true, rows, keys, d, q, ldq, k, ldkv, scores, keys, workspace);
  let at = scores;
  for (let i = 0; i < rows; i++) {
    const seen = first < 0 ? keys : min(keys, first + i + 1);
    fusedSoftmax(seen, at, scale, plus);
    memory.fill(at + ((seen as usize) << 2), 0, ((keys - seen) as usize) << 2);
    at += (keys as usize) << 2;
  }
  if (rows == 1) meanOfValues(keys, d, scores, v, ldkv, out);
  else gemm(false, false, rows, d, keys, scores, keys, v, ldkv, out, ldo, workspace);
}

/** x = softmax(scale · x + plus), in place; a `plus` at 0 is none. */
export function fusedSoftmax(n: i32, x: usize, scale: f32, plus: usize): void {
  const end = x + ((n as usize) << 2);
  const whole = x + (((n & ~3) as usize) << 2);
  const scales = f32x4.splat(scale);
  let most = f32x4.splat(-Infinity);
  let c = x;
  for (; c < whole; c += 16) {
    let s = f32x4.mul(v128.load(c), scales);
    if (plus) s = f32x4.add(s, v128.load(plus + (c - x)));
    v128.store(c, s);
    most = f32x4.max(most, s);
  }
  let top = max(
    max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
    max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
  );
  for (; c < end; c += 4) {
    const s = load<f32>(c) * scale + (plus ? load<f32>(plus + (c - x)) : 0);
    store<f32>(c, s);
    top = max(top, s);
  }
  const tops = f32x4.splat(top);
  let sums = f32x4.splat(0);
  for (c = x; c < whole; c += 16) {
    const e = exp4(f32x4.sub(v128.load(c), tops));
    v128.store(c, e);
    sums = f32x4.add(sums, e);
  }
  let sum =
    f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1) + (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3));
  for (; c < end; c += 4) {
    const e = exp4(f32x4.sub(v128.load32_splat(c), tops));
    v128.store32_lane(c, e, 0);
    sum += f32x4.extract_lane(e, 0);
  }
  const part: f32 = 1 / sum;
  const parts = f32x4.splat(part);
  for (c = x; c < whole; c += 16) v128.store(c, f32x4.mul(v128.load(c), parts));
  for (; c < end; c += 4) store<f32>(c, load<f32>(c) * part);
}

/** The products of one query with each key. */
function queryKeys(keys: i32, d: i32, q: usize, k: usize, ldkv: i32, scores: usize): void {
  const row = (ldkv as usize) << 2;
  const bytes = (d as usize) << 2;
  const whole = bytes & ~15;
  for (let j = 0; j < keys; j++) {
    let s = f32x4.splat(0);
    let c: usize = 0;
    for (; c < whole; c += 16) s = fma(v128.load(q + c), v128.load(k + c), s);
    let sum =
      f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1) + (f32x4.extract_lane(s, 2) + f32x4.extract_lane(s, 3));
    for (; c < bytes; c += 4) sum += load<f32>(q + c) * load<f32>(k + c);
    store<f32>(scores, sum);
    scores += 4;
    k += row;
  }
}

/** Σ_j parts[j] · v_j. */
function meanOfValues(keys: i32, d: i32, parts: usize, v: usize, ldkv: i32, out: usize): void {
  const row = (ldkv as usize) << 2;
  const bytes = (d as usize) << 2;
  let c: usize = 0;
  for (; c + 32 <= bytes; c += 32) {
    let s0 = f32x4.splat(0), s1 = f32x4.splat(0);
    let from = v + c;
    for (let j = 0; j < keys; j++) {
      const w = v128.load_splat<f32>(parts + ((j as usize) << 2));
      s0 = fma(w, v128.load(from), s0);
      s1 = fma(w, v128.load(from, 16), s1);
      from += row;
    }
    v128.store(out + c, s0);
    v128.store(out + c, s1, 16);
  }
  for (; c < bytes; c += 4) {
    let s: f32 = 0;
    let from = v + c;
    for (let j = 0; j < keys; j++) {
      s += load<f32>(parts + ((j as usize) << 2)) * load<f32>(from);
      from += row;
    }
    store<f32>(out + c, s);
  }
}
