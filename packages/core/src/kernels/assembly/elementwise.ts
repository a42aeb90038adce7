/** Passes over whole tensors that are memory-bound: what two or three stock passes do, in one. */

/** dx = dy where 0 < x ≤ high, 0 elsewhere. */
export function reluGradient(n: i32, dy: usize, x: usize, dx: usize, high: f32): void {
  const zero = f32x4.splat(0);
  const highs = f32x4.splat(high);
  const end = dx + ((n as usize) << 2);
  for (; dx + 16 <= end; dx += 16) {
    const value = v128.load(x);
    const open = v128.and(f32x4.gt(value, zero), f32x4.le(value, highs));
    v128.store(dx, v128.and(v128.load(dy), open));
    x += 16;
    dy += 16;
  }
  for (; dx < end; dx += 4) {
    const value = load<f32>(x);
    store<f32>(dx, value > 0 && value <= high ? load<f32>(dy) : 0);
    x += 4;
    dy += 4;
  }
}

/** y = min(max(x, low), high); NaN stays NaN. */
export function keepWithin(n: i32, x: usize, y: usize, low: f32, high: f32): void {
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const end = y + ((n as usize) << 2);
  for (; y + 16 <= end; y += 16) {
    v128.store(y, f32x4.min(f32x4.max(v128.load(x), lows), highs));
    x += 16;
  }
  for (; y < end; y += 4) {
    store<f32>(y, min<f32>(max<f32>(load<f32>(x), low), high));
    x += 4;
  }
}

/** y = (x − mean)·factor + offset in rows of `n`. */
export function normalise(rows: i32, n: i32, x: usize, mean: usize, factor: usize, offset: usize, y: usize): void {
  const bytes = (n as usize) << 2;
  for (let r = 0; r < rows; r++) {
    let c: usize = 0;
    for (; c + 16 <= bytes; c += 16) {
      const centred = f32x4.sub(v128.load(x + c), v128.load(mean + c));
      v128.store(y + c, f32x4.add(f32x4.mul(centred, v128.load(factor + c)), v128.load(offset + c)));
    }
    for (; c < bytes; c += 4) {
      store<f32>(y + c, (load<f32>(x + c) - load<f32>(mean + c)) * load<f32>(factor + c) + load<f32>(offset + c));
    }
    x += bytes;
    y += bytes;
  }
}

/** y = x + v, x − v (`kind` 1) or x·v (2), v a row of `n`. */
export function rowOperation(kind: i32, rows: i32, n: i32, x: usize, v: usize, y: usize): void {
  if (kind == 0) eachRow<Sum>(rows, n, x, v, y);
  else if (kind == 1) eachRow<Difference>(rows, n, x, v, y);
  else eachRow<Product>(rows, n, x, v, y);
}

/** y = v in each of its rows. */
export function repeatRow(rows: i32, n: i32, v: usize, y: usize): void {
  if (rows == 0) return;
  const bytes = (n as usize) << 2;
  const all = (rows as usize) * bytes;
  memory.copy(y, v, bytes);
  for (let done = bytes; done < all; done *= 2) memory.copy(y + done, y, min(done, all - done));
}

class Sum {}
class Difference {}
class Product {}

// @ts-ignore: decorator
@inline
function eachRow<T>(rows: i32, n: i32, x: usize, v: usize, y: usize): void {
  const bytes = (n as usize) << 2;
  for (let r = 0; r < rows; r++) {
    let c: usize = 0;
    for (; c + 16 <= bytes; c += 16) {
      const a = v128.load(x + c);
      const b = v128.load(v + c);
      if (idof<T>() == idof<Sum>()) v128.store(y + c, f32x4.add(a, b));
      else if (idof<T>() == idof<Difference>()) v128.store(y + c, f32x4.sub(a, b));
      else v128.store(y + c, f32x4.mul(a, b));
    }
    for (; c < bytes; c += 4) {
      const a = load<f32>(x + c);
      const b = load<f32>(v + c);
      if (idof<T>() == idof<Sum>()) store<f32>(y + c, a + b);
      else if (idof<T>() == idof<Difference>()) store<f32>(y + c, a - b);
      else store<f32>(y + c, a * b);
    }
    x += bytes;
    y += bytes;
  }
}
