/** out = A x, rows in order; two partial sums (even and odd columns) for each row. */
export function times(rows: i32, columns: i32, a: usize, x: usize, out: usize): void {
  const width = (columns as usize) << 3;
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    fourDots(columns, a, width, x);
    v128.store(out, sums01);
    v128.store(out, sums23, 16);
    a += width << 2;
    out += 32;
  }
  for (; i < rows; i++) {
    store<f64>(out, dot(columns, a, x));
    a += width;
    out += 8;
  }
}

/**
 * r = A x − b and out += Aᵀ r, four rows at a time, each row read from the cache the second time; a `b` at 0 is none, an `r` at 0 is
 * not kept.
 */
export function addGradient(
  rows: i32,
  columns: i32,
  a: usize,
  x: usize,
  b: usize,
  out: usize,
  r: usize,
): void {
  const width = (columns as usize) << 3;
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    fourDots(columns, a, width, x);
    if (b) {
      sums01 = v128.sub<f64>(sums01, v128.load(b));
      sums23 = v128.sub<f64>(sums23, v128.load(b, 16));
      b += 32;
    }
    if (r) {
      v128.store(r, sums01);
      v128.store(r, sums23, 16);
      r += 32;
    }
    addFour(columns, a, width, out);
    a += width << 2;
  }
  for (; i < rows; i++) {
    let residual = dot(columns, a, x);
    if (b) {
      residual -= load<f64>(b);
      b += 8;
    }
    if (r) {
      store<f64>(r, residual);
      r += 8;
    }
    addOne(columns, a, residual, out);
    a += width;
  }
}

let sums01: v128 = v128.splat<f64>(0);
let sums23: v128 = v128.splat<f64>(0);

function fourDots(columns: i32, a: usize, width: usize, x: usize): void {
  let s0 = v128.splat<f64>(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let p1 = a + width;
  let p2 = p1 + width;
  let p3 = p2 + width;
  const end = x + (((columns & ~1) as usize) << 3);
  while (x < end) {
    const v = v128.load(x);
    s0 = v128.add<f64>(s0, v128.mul<f64>(v128.load(a), v));
    s1 = v128.add<f64>(s1, v128.mul<f64>(v128.load(p1), v));
    s2 = v128.add<f64>(s2, v128.mul<f64>(v128.load(p2), v));
    s3 = v128.add<f64>(s3, v128.mul<f64>(v128.load(p3), v));
    x += 16;
    a += 16;
    p1 += 16;
    p2 += 16;
    p3 += 16;
  }
  let d01 = v128.add<f64>(v128.shuffle<f64>(s0, s1, 0, 2), v128.shuffle<f64>(s0, s1, 1, 3));
  let d23 = v128.add<f64>(v128.shuffle<f64>(s2, s3, 0, 2), v128.shuffle<f64>(s2, s3, 1, 3));
  if (columns & 1) {
    const v = v128.splat<f64>(load<f64>(x));
    d01 = v128.add<f64>(
      d01,
      v128.mul<f64>(v128.replace_lane<f64>(v128.splat<f64>(load<f64>(a)), 1, load<f64>(p1)), v),
    );
    d23 = v128.add<f64>(
      d23,
      v128.mul<f64>(v128.replace_lane<f64>(v128.splat<f64>(load<f64>(p2)), 1, load<f64>(p3)), v),
    );
  }
  sums01 = d01;
  sums23 = d23;
}

function addFour(columns: i32, a: usize, width: usize, out: usize): void {
  const w0 = v128.shuffle<f64>(sums01, sums01, 0, 0);
  const w1 = v128.shuffle<f64>(sums01, sums01, 1, 1);
  const w2 = v128.shuffle<f64>(sums23, sums23, 0, 0);
  const w3 = v128.shuffle<f64>(sums23, sums23, 1, 1);
  let p1 = a + width;
  let p2 = p1 + width;
  let p3 = p2 + width;
  const end = out + (((columns & ~1) as usize) << 3);
  const fourPairs = out + (((columns & ~7) as usize) << 3);
  while (out < fourPairs) {
    v128.store(
      out,
      plusFour(
        v128.load(out),
        v128.mul<f64>(w0, v128.load(a)),
        v128.mul<f64>(w1, v128.load(p1)),
        v128.mul<f64>(w2, v128.load(p2)),
        v128.mul<f64>(w3, v128.load(p3)),
      ),
    );
    v128.store(
      out,
      plusFour(
        v128.load(out, 16),
        v128.mul<f64>(w0, v128.load(a, 16)),
        v128.mul<f64>(w1, v128.load(p1, 16)),
        v128.mul<f64>(w2, v128.load(p2, 16)),
        v128.mul<f64>(w3, v128.load(p3, 16)),
      ),
      16,
    );
    v128.store(
      out,
      plusFour(
        v128.load(out, 32),
        v128.mul<f64>(w0, v128.load(a, 32)),
        v128.mul<f64>(w1, v128.load(p1, 32)),
        v128.mul<f64>(w2, v128.load(p2, 32)),
        v128.mul<f64>(w3, v128.load(p3, 32)),
      ),
      32,
    );
    v128.store(
      out,
      plusFour(
        v128.load(out, 48),
        v128.mul<f64>(w0, v128.load(a, 48)),
        v128.mul<f64>(w1, v128.load(p1, 48)),
        v128.mul<f64>(w2, v128.load(p2, 48)),
        v128.mul<f64>(w3, v128.load(p3, 48)),
      ),
      48,
    );
    out += 64;
    a += 64;
    p1 += 64;
    p2 += 64;
    p3 += 64;
  }
  while (out < end) {
    v128.store(
      out,
      plusFour(
        v128.load(out),
        v128.mul<f64>(w0, v128.load(a)),
        v128.mul<f64>(w1, v128.load(p1)),
        v128.mul<f64>(w2, v128.load(p2)),
        v128.mul<f64>(w3, v128.load(p3)),
      ),
    );
    out += 16;
    a += 16;
    p1 += 16;
    p2 += 16;
    p3 += 16;
  }
  if (columns & 1) {
    const first =
      v128.extract_lane<f64>(w0, 0) * load<f64>(a) + v128.extract_lane<f64>(w1, 0) * load<f64>(p1);
    const second =
      v128.extract_lane<f64>(w2, 0) * load<f64>(p2) + v128.extract_lane<f64>(w3, 0) * load<f64>(p3);
    store<f64>(out, load<f64>(out) + (first + second));
  }
}

function plusFour(sum: v128, t0: v128, t1: v128, t2: v128, t3: v128): v128 {
  return v128.add<f64>(sum, v128.add<f64>(v128.add<f64>(t0, t1), v128.add<f64>(t2, t3)));
}

function dot(columns: i32, a: usize, x: usize): f64 {
  let s = v128.splat<f64>(0);
  const end = x + (((columns & ~1) as usize) << 3);
  while (x < end) {
    s = v128.add<f64>(s, v128.mul<f64>(v128.load(a), v128.load(x)));
    x += 16;
    a += 16;
  }
  let sum = v128.extract_lane<f64>(s, 0) + v128.extract_lane<f64>(s, 1);
  if (columns & 1) sum += load<f64>(a) * load<f64>(x);
  return sum;
}

function addOne(columns: i32, a: usize, weight: f64, out: usize): void {
  for (let j = 0; j < columns; j++) {
    store<f64>(out, load<f64>(out) + weight * load<f64>(a));
    out += 8;
    a += 8;
  }
}
