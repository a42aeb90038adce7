/**
 * Products of a few contiguous rows with a vector in double precision, up to eight rows at a time so that each number
 * loaded works as often. Strides are in bytes. The order of additions is that of `linalg/plain-row-products.ts`.
 */

/** out_r = Σ_j rows(r, j) x_j for r < count, j < length: even j, odd j, their sum, and at last what an odd length leaves. */
export function rowsTimesVector(rows: usize, stride: usize, count: i32, x: usize, length: i32, out: usize): void {
  const odd = (length & 1) != 0;
  for (; count >= 8; count -= 8) {
    let p0 = rows, p1 = p0 + stride, p2 = p1 + stride, p3 = p2 + stride;
    let p4 = p3 + stride, p5 = p4 + stride, p6 = p5 + stride, p7 = p6 + stride;
    let s0 = f64x2.splat(0), s1 = f64x2.splat(0), s2 = f64x2.splat(0), s3 = f64x2.splat(0);
    let s4 = f64x2.splat(0), s5 = f64x2.splat(0), s6 = f64x2.splat(0), s7 = f64x2.splat(0);
    let q = x;
    for (let j = length >> 1; j > 0; j--) {
      const value = v128.load(q);
      s0 = f64x2.add(s0, f64x2.mul(v128.load(p0), value));
      s1 = f64x2.add(s1, f64x2.mul(v128.load(p1), value));
      s2 = f64x2.add(s2, f64x2.mul(v128.load(p2), value));
      s3 = f64x2.add(s3, f64x2.mul(v128.load(p3), value));
      s4 = f64x2.add(s4, f64x2.mul(v128.load(p4), value));
      s5 = f64x2.add(s5, f64x2.mul(v128.load(p5), value));
      s6 = f64x2.add(s6, f64x2.mul(v128.load(p6), value));
      s7 = f64x2.add(s7, f64x2.mul(v128.load(p7), value));
      q += 16;
      p0 += 16;
      p1 += 16;
      p2 += 16;
      p3 += 16;
      p4 += 16;
      p5 += 16;
      p6 += 16;
      p7 += 16;
    }
    const last = odd ? load<f64>(q) : 0;
    finish(out, s0, odd, p0, last);
    finish(out + 8, s1, odd, p1, last);
    finish(out + 16, s2, odd, p2, last);
    finish(out + 24, s3, odd, p3, last);
    finish(out + 32, s4, odd, p4, last);
    finish(out + 40, s5, odd, p5, last);
    finish(out + 48, s6, odd, p6, last);
    finish(out + 56, s7, odd, p7, last);
    out += 64;
    rows = p7 - ((length >> 1) as usize << 4) + stride;
  }
  for (; count >= 2; count -= 2) {
    let p0 = rows, p1 = p0 + stride;
    let s0 = f64x2.splat(0), s1 = f64x2.splat(0);
    let q = x;
    for (let j = length >> 1; j > 0; j--) {
      const value = v128.load(q);
      s0 = f64x2.add(s0, f64x2.mul(v128.load(p0), value));
      s1 = f64x2.add(s1, f64x2.mul(v128.load(p1), value));
      q += 16;
      p0 += 16;
      p1 += 16;
    }
    const last = odd ? load<f64>(q) : 0;
    finish(out, s0, odd, p0, last);
    finish(out + 8, s1, odd, p1, last);
    out += 16;
    rows += 2 * stride;
  }
  if (count > 0) {
    let s = f64x2.splat(0);
    let q = x;
    for (let j = length >> 1; j > 0; j--) {
      s = f64x2.add(s, f64x2.mul(v128.load(rows), v128.load(q)));
      q += 16;
      rows += 16;
    }
    finish(out, s, odd, rows, odd ? load<f64>(q) : 0);
  }
}

// @ts-ignore: decorator
@inline
function finish(out: usize, sums: v128, odd: bool, p: usize, last: f64): void {
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  if (odd) sum += load<f64>(p) * last;
  store<f64>(out, sum);
}

/** y_j += α Σ_r w_r rows(r, j) for r < count, j < length, four rows' sum at a time. */
export function addRows(
  rows: usize, stride: usize, count: i32, alpha: f64, w: usize, wStride: usize, y: usize, length: i32,
): void {
  for (; count >= 8; count -= 8) {
    const w0 = weight(alpha, w), w1 = weight(alpha, w + wStride);
    const w2 = weight(alpha, w + 2 * wStride), w3 = weight(alpha, w + 3 * wStride);
    const w4 = weight(alpha, w + 4 * wStride), w5 = weight(alpha, w + 5 * wStride);
    const w6 = weight(alpha, w + 6 * wStride), w7 = weight(alpha, w + 7 * wStride);
    let p0 = rows, p1 = p0 + stride, p2 = p1 + stride, p3 = p2 + stride;
    let p4 = p3 + stride, p5 = p4 + stride, p6 = p5 + stride, p7 = p6 + stride;
    let q = y;
    for (let j = length >> 1; j > 0; j--) {
      let sum = f64x2.add(
        f64x2.add(f64x2.mul(w0, v128.load(p0)), f64x2.mul(w1, v128.load(p1))),
        f64x2.add(f64x2.mul(w2, v128.load(p2)), f64x2.mul(w3, v128.load(p3))),
      );
      const value = f64x2.add(v128.load(q), sum);
      sum = f64x2.add(
        f64x2.add(f64x2.mul(w4, v128.load(p4)), f64x2.mul(w5, v128.load(p5))),
        f64x2.add(f64x2.mul(w6, v128.load(p6)), f64x2.mul(w7, v128.load(p7))),
      );
      v128.store(q, f64x2.add(value, sum));
      q += 16;
      p0 += 16;
      p1 += 16;
      p2 += 16;
      p3 += 16;
      p4 += 16;
      p5 += 16;
      p6 += 16;
      p7 += 16;
    }
    if (length & 1) {
      addLastOfFour(q, w0, w1, w2, w3, p0, p1, p2, p3);
      addLastOfFour(q, w4, w5, w6, w7, p4, p5, p6, p7);
    }
    w += 8 * wStride;
    rows += 8 * stride;
  }
  if (count >= 4) {
    const w0 = weight(alpha, w), w1 = weight(alpha, w + wStride);
    const w2 = weight(alpha, w + 2 * wStride), w3 = weight(alpha, w + 3 * wStride);
    let p0 = rows, p1 = p0 + stride, p2 = p1 + stride, p3 = p2 + stride;
    let q = y;
    for (let j = length >> 1; j > 0; j--) {
      const sum = f64x2.add(
        f64x2.add(f64x2.mul(w0, v128.load(p0)), f64x2.mul(w1, v128.load(p1))),
        f64x2.add(f64x2.mul(w2, v128.load(p2)), f64x2.mul(w3, v128.load(p3))),
      );
      v128.store(q, f64x2.add(v128.load(q), sum));
      q += 16;
      p0 += 16;
      p1 += 16;
      p2 += 16;
      p3 += 16;
    }
    if (length & 1) addLastOfFour(q, w0, w1, w2, w3, p0, p1, p2, p3);
    w += 4 * wStride;
    rows += 4 * stride;
    count -= 4;
  }
  for (; count > 0; count--) {
    const factor = weight(alpha, w);
    addMultiple(factor, rows, y, length);
    w += wStride;
    rows += stride;
  }
}

// @ts-ignore: decorator
@inline
function weight(alpha: f64, w: usize): v128 {
  return f64x2.splat(alpha * load<f64>(w));
}

// @ts-ignore: decorator
@inline
function addLastOfFour(
  q: usize, w0: v128, w1: v128, w2: v128, w3: v128, p0: usize, p1: usize, p2: usize, p3: usize,
): void {
  const sum = f64x2.extract_lane(w0, 0) * load<f64>(p0) + f64x2.extract_lane(w1, 0) * load<f64>(p1) +
    (f64x2.extract_lane(w2, 0) * load<f64>(p2) + f64x2.extract_lane(w3, 0) * load<f64>(p3));
  store<f64>(q, load<f64>(q) + sum);
}

// @ts-ignore: decorator
@inline
function addMultiple(factor: v128, from: usize, to: usize, length: i32): void {
  for (let j = length >> 1; j > 0; j--) {
    v128.store(to, f64x2.add(v128.load(to), f64x2.mul(factor, v128.load(from))));
    to += 16;
    from += 16;
  }
  if (length & 1) store<f64>(to, load<f64>(to) + f64x2.extract_lane(factor, 0) * load<f64>(from));
}

/** rows(r, j) += α w_r x_j for r < count, j < length. */
export function addOuter(
  rows: usize, stride: usize, count: i32, alpha: f64, w: usize, x: usize, length: i32,
): void {
  for (; count > 0; count--) {
    addMultiple(weight(alpha, w), x, rows, length);
    w += 8;
    rows += stride;
  }
}

/** (x, y) ← (c x + s y, c y − s x) */
export function rotateRows(x: usize, y: usize, length: i32, c: f64, s: f64): void {
  const cc = f64x2.splat(c), ss = f64x2.splat(s);
  for (let j = length >> 1; j > 0; j--) {
    const a = v128.load(x);
    const b = v128.load(y);
    v128.store(x, f64x2.add(f64x2.mul(cc, a), f64x2.mul(ss, b)));
    v128.store(y, f64x2.sub(f64x2.mul(cc, b), f64x2.mul(ss, a)));
    x += 16;
    y += 16;
  }
  if (length & 1) {
    const a = load<f64>(x);
    const b = load<f64>(y);
    store<f64>(x, c * a + s * b);
    store<f64>(y, c * b - s * a);
  }
}
