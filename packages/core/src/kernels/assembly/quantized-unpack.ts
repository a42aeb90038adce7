/**
 * Codes of few bits to bytes. Eight outputs lie side by side: a pair of consecutive inputs of all of them is 16 bytes, [output][input],
 * and a register of codes holds as many pairs as fit, as its comments say.
 */

/** Codings by number; `fp4` is doubled to be an integer, `fp8` stays as it is. */
export const INT8: i32 = 0;
export const INT4: i32 = 1;
export const INT3: i32 = 2;
export const INT2: i32 = 3;
export const TERNARY: i32 = 4;
export const BINARY: i32 = 5;
export const FP4: i32 = 6;
export const FP8_E4M3: i32 = 7;
export const FP8_E5M2: i32 = 8;

/** Inputs unpacked at a time, a multiple of what each register holds: the bytes then fit half of the smallest first-level cache. */
export const CHUNK: i32 = 1920;
/** Bytes that unpacking a chunk may fill, the rest of its last register included. */
export const PANEL_BYTES: i32 = 8 * (CHUNK + 16);

/** Bytes of the codes of so many inputs of eight outputs, a multiple of what a register holds. */
export function codeBytes(coding: i32, inputs: i32): usize {
  if (coding == INT4 || coding == FP4) return (inputs as usize) << 2;
  if (coding == INT3) return (inputs as usize) * 3;
  if (coding == INT2) return (inputs as usize) << 1;
  if (coding == TERNARY) return ((inputs as usize) << 3) / 5;
  if (coding == BINARY) return inputs as usize;
  return (inputs as usize) << 3;
}

/** What makes a code of few bits, and a doubled one of `fp4`, unsigned. */
export function offsetOf(coding: i32): i32 {
  if (coding == INT4) return 8;
  if (coding == INT3) return 4;
  if (coding == INT2) return 2;
  if (coding == FP4) return 12;
  return 1;
}

/** Bytes of `inputs` inputs, at most a chunk, to `to`: codes + `offset`. */
export function unpack(coding: i32, from: usize, inputs: i32, offset: i32, to: usize): void {
  const end = to + ((inputs as usize) << 3);
  const less = i8x16.splat((offsetOf(coding) - offset) as i8);
  if (coding == INT4) nibbles(from, less, to, end);
  else if (coding == FP4) floats(from, less, to, end);
  else if (coding == INT2) quarters(from, less, to, end);
  else if (coding == BINARY) bits(from, less, to, end);
  else if (coding == TERNARY) digits(from, less, to, end);
  else thirds(from, less, to, end);
}

/** Bits `shift` … of each byte, where `mask` lets them through. */
// @ts-ignore: decorator
@inline
function part(v: v128, shift: i32, mask: i8): v128 {
  return v128.and(i16x8.shr_u(v, shift), i8x16.splat(mask));
}

/** Two pairs: code + 8 in four bits. */
function nibbles(from: usize, less: v128, to: usize, end: usize): void {
  for (; to < end; to += 32) {
    const v = v128.load(from);
    v128.store(to, i8x16.sub(v128.and(v, i8x16.splat(15)), less));
    v128.store(to, i8x16.sub(part(v, 4, 15), less), 16);
    from += 16;
  }
}

/** Two pairs: the patterns, looked up. */
function floats(from: usize, less: v128, to: usize, end: usize): void {
  const table = i8x16.sub(i8x16(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0), less);
  for (; to < end; to += 32) {
    const v = v128.load(from);
    v128.store(to, i8x16.swizzle(table, v128.and(v, i8x16.splat(15))));
    v128.store(to, i8x16.swizzle(table, part(v, 4, 15)), 16);
    from += 16;
  }
}

/** Four pairs: code + 2 in two bits. */
function quarters(from: usize, less: v128, to: usize, end: usize): void {
  for (; to < end; to += 64) {
    const v = v128.load(from);
    v128.store(to, i8x16.sub(v128.and(v, i8x16.splat(3)), less));
    v128.store(to, i8x16.sub(part(v, 2, 3), less), 16);
    v128.store(to, i8x16.sub(part(v, 4, 3), less), 32);
    v128.store(to, i8x16.sub(part(v, 6, 3), less), 48);
    from += 16;
  }
}

/** Eight pairs in three registers: the low two bits of code + 4 for four pairs, for the others, and the high bits of all. */
function thirds(from: usize, less: v128, to: usize, end: usize): void {
  while (to < end) {
    let high = v128.load(from, 32);
    for (let half = 0; half < 2; half++) {
      let low = v128.load(from);
      for (let p = 0; p < 4; p++) {
        const top = i16x8.shl(v128.and(high, i8x16.splat(1)), 2);
        v128.store(to, i8x16.sub(v128.or(v128.and(low, i8x16.splat(3)), top), less));
        low = i16x8.shr_u(low, 2);
        high = i16x8.shr_u(high, 1);
        to += 16;
      }
      from += 16;
    }
    from += 16;
  }
}

/**
 * Five pairs. The digits of a number N below 3⁵ are those of ⌈256·N/243⌉/256 in base 3 behind the point: each multiplication by 3
 * pushes one before it. Bytes hold this fraction less 128, which multiplying modulo 256 keeps, and for which comparisons with sign
 * tell whether a digit is at least 1, and 2: their masks, −1 where it is, make minus the digit, which is code + 1.
 */
function digits(from: usize, less: v128, to: usize, end: usize): void {
  const one = i8x16.splat(-43), two = i8x16.splat(42), base = i8x16.neg(less);
  for (; to < end; to += 80) {
    let v = v128.load(from);
    for (let p: usize = 0; p < 80; p += 16) {
      v128.store(to + p, i8x16.sub(base, i8x16.add(i8x16.gt_s(v, one), i8x16.gt_s(v, two))));
      v = i8x16.add(v, i8x16.add(v, v));
    }
    from += 16;
  }
}

/** Eight pairs: 1 where the bit is 1, −1 where it is 0. */
function bits(from: usize, less: v128, to: usize, end: usize): void {
  const zero = i8x16.splat(0), two = i8x16.splat(2), high = i8x16.sub(two, less);
  while (to < end) {
    const v = v128.load(from);
    let bit = i8x16.splat(1);
    for (let p = 0; p < 8; p++) {
      v128.store(to, i8x16.sub(high, v128.and(i8x16.eq(v128.and(v, bit), zero), two)));
      bit = i8x16.add(bit, bit);
      to += 16;
    }
    from += 16;
  }
}
