/**
 * Sums, means, maxima and minima over the arrays of several ranks, in the order of the ranks, written to one or more places.
 * Addresses come in tables of 32-bit words; `twins/comm-reduce.ts` is the same in TypeScript, bit for bit.
 */
const SUM: i32 = 0;
const MEAN: i32 = 1;
const MAX: i32 = 2;
const MIN: i32 = 3;

/** Bytes that are accumulated at a time, in the scratch. */
const CHUNK: usize = 4096;

// @ts-ignore: decorator
@inline
function combine<T>(op: i32, a: v128, b: v128): v128 {
  if (op == MAX) return v128.max<T>(a, b);
  if (op == MIN) return v128.min<T>(a, b);
  return v128.add<T>(a, b);
}

// @ts-ignore: decorator
@inline
function combineOne<T>(op: i32, a: T, b: T): T {
  if (op == MAX) return max<T>(a, b);
  if (op == MIN) return min<T>(a, b);
  return (a + b) as T;
}

/** to = a · b for `bytes` bytes; a second place where `also` is not 0. */
// @ts-ignore: decorator
@inline
function pass<T>(op: i32, bytes: usize, a: usize, b: usize, to: usize, also: usize): void {
  let i: usize = 0;
  if (also) {
    for (; i + 64 <= bytes; i += 64) {
      const x = combine<T>(op, v128.load(a + i), v128.load(b + i));
      const y = combine<T>(op, v128.load(a + i, 16), v128.load(b + i, 16));
      const z = combine<T>(op, v128.load(a + i, 32), v128.load(b + i, 32));
      const w = combine<T>(op, v128.load(a + i, 48), v128.load(b + i, 48));
      v128.store(to + i, x);
      v128.store(to + i, y, 16);
      v128.store(to + i, z, 32);
      v128.store(to + i, w, 48);
      v128.store(also + i, x);
      v128.store(also + i, y, 16);
      v128.store(also + i, z, 32);
      v128.store(also + i, w, 48);
    }
  } else {
    for (; i + 64 <= bytes; i += 64) {
      const x = combine<T>(op, v128.load(a + i), v128.load(b + i));
      const y = combine<T>(op, v128.load(a + i, 16), v128.load(b + i, 16));
      const z = combine<T>(op, v128.load(a + i, 32), v128.load(b + i, 32));
      const w = combine<T>(op, v128.load(a + i, 48), v128.load(b + i, 48));
      v128.store(to + i, x);
      v128.store(to + i, y, 16);
      v128.store(to + i, z, 32);
      v128.store(to + i, w, 48);
    }
  }
  for (; i < bytes; i += sizeof<T>()) {
    const x = combineOne<T>(op, load<T>(a + i), load<T>(b + i));
    store<T>(to + i, x);
    if (also) store<T>(also + i, x);
  }
}

// @ts-ignore: decorator
@inline
function passOf<T>(op: i32, bytes: usize, a: usize, b: usize, to: usize, also: usize): void {
  if (op == MAX) pass<T>(MAX, bytes, a, b, to, also);
  else if (op == MIN) pass<T>(MIN, bytes, a, b, to, also);
  else pass<T>(SUM, bytes, a, b, to, also);
}

// @ts-ignore: decorator
@inline
function divide<T>(bytes: usize, at: usize, by: T): void {
  const all = v128.splat<T>(by);
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) v128.store(at + i, v128.div<T>(v128.load(at + i), all));
  for (; i < bytes; i += sizeof<T>()) store<T>(at + i, (load<T>(at + i) / by) as T);
}

// @ts-ignore: decorator
@inline
function integerMeans<T>(ranks: i32, from: usize, skip: usize, bytes: usize, to: usize): void {
  for (let i: usize = 0; i < bytes; i += sizeof<T>()) {
    let sum: i64 = 0;
    for (let r = 0; r < ranks; r++) sum += load<T>(load<u32>(from + ((r as usize) << 2)) + skip + i) as i64;
    store<T>(to + i, (sum / (ranks as i64)) as T);
  }
}

// @ts-ignore: decorator
@inline
function reduce<T>(op: i32, ranks: i32, from: usize, bytes: usize, targets: i32, to: usize, scratch: usize): void {
  const first: usize = load<u32>(from);
  if (ranks == 2 && targets <= 2 && op != MEAN) {
    const also: usize = targets == 2 ? load<u32>(to, 4) : 0;
    passOf<T>(op, bytes, first, load<u32>(from, 4), load<u32>(to), also);
    return;
  }
  for (let at: usize = 0; at < bytes; at += CHUNK) {
    const part = min(CHUNK, bytes - at);
    if (op == MEAN && isInteger<T>()) integerMeans<T>(ranks, from, at, part, scratch);
    else {
      if (ranks == 1) memory.copy(scratch, first + at, part);
      else passOf<T>(op, part, first + at, load<u32>(from, 4) + at, scratch, 0);
      for (let r = 2; r < ranks; r++)
        passOf<T>(op, part, scratch, load<u32>(from + ((r as usize) << 2)) + at, scratch, 0);
      if (isFloat<T>()) {
        if (op == MEAN) divide<T>(part, scratch, ranks as T);
      }
    }
    for (let t = 0; t < targets; t++) memory.copy(load<u32>(to + ((t as usize) << 2)) + at, scratch, part);
  }
}

export function reduceFloat32(op: i32, ranks: i32, from: usize, bytes: usize, targets: i32, to: usize, scratch: usize): void {
  reduce<f32>(op, ranks, from, bytes, targets, to, scratch);
}
export function reduceFloat64(op: i32, ranks: i32, from: usize, bytes: usize, targets: i32, to: usize, scratch: usize): void {
  reduce<f64>(op, ranks, from, bytes, targets, to, scratch);
}
export function reduceInt32(op: i32, ranks: i32, from: usize, bytes: usize, targets: i32, to: usize, scratch: usize): void {
  reduce<i32>(op, ranks, from, bytes, targets, to, scratch);
}
export function reduceUint8(op: i32, ranks: i32, from: usize, bytes: usize, targets: i32, to: usize, scratch: usize): void {
  reduce<u8>(op, ranks, from, bytes, targets, to, scratch);
}
