/** Layer normalisation of rows and its gradient, each in one go over a row while it is in the first-level cache. */

/** Rows whose sums of columns are added up before they are added to the whole: rounding errors grow with this. */
const RUN: i32 = 64;

/** y = gamma·(x − mean)/√(variance + epsilon) + beta, mean and variance of each row of `n`. */
export function layerNorm(rows: i32, n: i32, x: usize, gamma: usize, beta: usize, epsilon: f32, y: usize): void {
  const bytes = (n as usize) << 2;
  for (let r = 0; r < rows; r++) {
    const mean = meanOf(x, n);
    const factor = factorOf(x, n, mean, epsilon);
    const means = f32x4.splat(mean);
    const factors = f32x4.splat(factor);
    let c: usize = 0;
    for (; c + 16 <= bytes; c += 16) {
      const normal = f32x4.mul(f32x4.sub(v128.load(x + c), means), factors);
      v128.store(y + c, f32x4.add(f32x4.mul(normal, v128.load(gamma + c)), v128.load(beta + c)));
    }
    for (; c < bytes; c += 4) {
      store<f32>(y + c, (load<f32>(x + c) - mean) * factor * load<f32>(gamma + c) + load<f32>(beta + c));
    }
    x += bytes;
    y += bytes;
  }
}

/** Bytes of workspace of `layerNormGradient`: the two sums of a run of rows. */
export function layerNormGradientBytes(n: i32): i32 {
  return 2 * n * 4;
}

/**
 * dx = f·(g − mean(g) − z·mean(g·z)) for each row, with g = dy·gamma, f = 1/√(variance + epsilon) and z = (x − mean)·f; and
 * the gradients of gamma, Σ dy·z, and beta, Σ dy, side by side in `sums`.
 */
export function layerNormGradient(
  rows: i32, n: i32, dy: usize, x: usize, gamma: usize, epsilon: f32, dx: usize, sums: usize, workspace: usize,
): void {
  const bytes = (n as usize) << 2;
  memory.fill(sums, 0, 2 * bytes);
  for (let first = 0; first < rows; first += RUN) {
    memory.fill(workspace, 0, 2 * bytes);
    for (let i = min(RUN, rows - first); i > 0; i--) {
      gradientRow(n, dy, x, gamma, epsilon, dx, workspace);
      dy += bytes;
      x += bytes;
      dx += bytes;
    }
    for (let c: usize = 0; c < 2 * bytes; c += 4) {
      store<f32>(sums + c, load<f32>(sums + c) + load<f32>(workspace + c));
    }
  }
}

function gradientRow(n: i32, dy: usize, x: usize, gamma: usize, epsilon: f32, dx: usize, sums: usize): void {
  const bytes = (n as usize) << 2;
  const mean = meanOf(x, n);
  const factor = factorOf(x, n, mean, epsilon);
  const means = f32x4.splat(mean);
  const factors = f32x4.splat(factor);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let c: usize = 0;
  for (; c + 16 <= bytes; c += 16) {
    const d = v128.load(dy + c);
    const z = f32x4.mul(f32x4.sub(v128.load(x + c), means), factors);
    const g = f32x4.mul(d, v128.load(gamma + c));
    s1 = f32x4.add(s1, g);
    s2 = f32x4.add(s2, f32x4.mul(g, z));
    v128.store(sums + c, f32x4.add(v128.load(sums + c), f32x4.mul(d, z)));
    v128.store(sums + bytes + c, f32x4.add(v128.load(sums + bytes + c), d));
  }
  let m1 = lanes(s1);
  let m2 = lanes(s2);
  for (; c < bytes; c += 4) {
    const d = load<f32>(dy + c);
    const z = (load<f32>(x + c) - mean) * factor;
    const g = d * load<f32>(gamma + c);
    m1 += g;
    m2 += g * z;
    store<f32>(sums + c, load<f32>(sums + c) + d * z);
    store<f32>(sums + bytes + c, load<f32>(sums + bytes + c) + d);
  }
  m1 /= n as f32;
  m2 /= n as f32;
  const m1s = f32x4.splat(m1);
  const m2s = f32x4.splat(m2);
  for (c = 0; c + 16 <= bytes; c += 16) {
    const z = f32x4.mul(f32x4.sub(v128.load(x + c), means), factors);
    const g = f32x4.mul(v128.load(dy + c), v128.load(gamma + c));
    v128.store(dx + c, f32x4.mul(factors, f32x4.sub(f32x4.sub(g, m1s), f32x4.mul(z, m2s))));
  }
  for (; c < bytes; c += 4) {
    const z = (load<f32>(x + c) - mean) * factor;
    store<f32>(dx + c, factor * (load<f32>(dy + c) * load<f32>(gamma + c) - m1 - z * m2));
  }
}

// @ts-ignore: decorator
@inline
function lanes(s: v128): f32 {
  return (
    f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1) + (f32x4.extract_lane(s, 2) + f32x4.extract_lane(s, 3))
  );
}

function meanOf(x: usize, n: i32): f32 {
  const end = x + ((n as usize) << 2);
  let s = f32x4.splat(0);
  for (; x + 16 <= end; x += 16) s = f32x4.add(s, v128.load(x));
  let sum = lanes(s);
  for (; x < end; x += 4) sum += load<f32>(x);
  return sum / (n as f32);
}

/** 1/√(variance + epsilon). */
function factorOf(x: usize, n: i32, mean: f32, epsilon: f32): f32 {
  const end = x + ((n as usize) << 2);
  const means = f32x4.splat(mean);
  let s = f32x4.splat(0);
  for (; x + 16 <= end; x += 16) {
    const centred = f32x4.sub(v128.load(x), means);
    s = f32x4.add(s, f32x4.mul(centred, centred));
  }
  let sum = lanes(s);
  for (; x < end; x += 4) sum += (load<f32>(x) - mean) * (load<f32>(x) - mean);
  return 1 / sqrt<f32>(sum / (n as f32) + epsilon);
}
