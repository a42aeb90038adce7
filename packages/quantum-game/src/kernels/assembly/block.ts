/**
 * Primitives on one block: 2^L complex numbers in contiguous memory, an amplitude in each 128-bit vector. `base` holds the bits
 * of the block's qubits outside, where controls and signs may lie. Records are laid out as `records.ts` says.
 */

export const MATRIX: i32 = 0;
export const RY: i32 = 1;
export const PAULI: i32 = 2;
export const PHASE: i32 = 3;
export const FLIP: i32 = 4;
export const SWAP: i32 = 5;

// @ts-ignore: decorator
@inline
export function swapped(a: v128): v128 {
  return v128.shuffle<f64>(a, a, 1, 0);
}

// @ts-ignore: decorator
@inline
function pair(low: f64, high: f64): v128 {
  return f64x2.replace_lane(f64x2.splat(low), 1, high);
}

// @ts-ignore: decorator
@inline
function odd(bits: i32): i32 {
  return popcnt<i32>(bits) & 1;
}

// @ts-ignore: decorator
@inline
function lowest(bits: i32): i32 {
  return bits & -bits;
}

/** RY by (c, s) on the bit x of all pairs; `mux` is a CX on the same target, after it, or before it when `first`. */
function rotate(p: usize, size: i32, x: i32, c: f64, s: f64, mux: i32, first: bool): void {
  const cc = f64x2.splat(c);
  const ss = f64x2.splat(s);
  const far = (x as usize) << 4;
  if (mux == 0) {
    for (let base = 0; base < size; base += 2 * x) {
      let at = p + ((base as usize) << 4);
      const end = at + far;
      for (; at < end; at += 16) {
        const a = v128.load(at);
        const b = v128.load(at + far);
        v128.store(at, f64x2.sub(f64x2.mul(cc, a), f64x2.mul(ss, b)));
        v128.store(at + far, f64x2.add(f64x2.mul(ss, a), f64x2.mul(cc, b)));
      }
    }
    return;
  }
  const run = min(x, mux);
  for (let base = 0; base < size; base += run) {
    if (base & x) {
      base += x - run;
      continue;
    }
    const flipped = (base & mux) != 0;
    let low = p + ((base as usize) << 4);
    let high = low + far;
    const end = low + ((run as usize) << 4);
    if (!flipped) {
      for (; low < end; low += 16, high += 16) {
        const a = v128.load(low);
        const b = v128.load(high);
        v128.store(low, f64x2.sub(f64x2.mul(cc, a), f64x2.mul(ss, b)));
        v128.store(high, f64x2.add(f64x2.mul(ss, a), f64x2.mul(cc, b)));
      }
    } else if (first) {
      for (; low < end; low += 16, high += 16) {
        const b = v128.load(low);
        const a = v128.load(high);
        v128.store(low, f64x2.sub(f64x2.mul(cc, a), f64x2.mul(ss, b)));
        v128.store(high, f64x2.add(f64x2.mul(ss, a), f64x2.mul(cc, b)));
      }
    } else {
      for (; low < end; low += 16, high += 16) {
        const a = v128.load(low);
        const b = v128.load(high);
        v128.store(high, f64x2.sub(f64x2.mul(cc, a), f64x2.mul(ss, b)));
        v128.store(low, f64x2.add(f64x2.mul(ss, a), f64x2.mul(cc, b)));
      }
    }
  }
}

/** Re⟨λ|−iY|ψ⟩ over the pairs, and RY by (c, −s) on both states; a CX after it is undone first. */
function rotateBack(p: usize, q: usize, size: i32, x: i32, c: f64, s: f64, mux: i32): f64 {
  const cc = f64x2.splat(c);
  const ss = f64x2.splat(s);
  const far = (x as usize) << 4;
  const run = mux == 0 ? x : min(x, mux);
  const gap = q - p;
  let sum = f64x2.splat(0);
  for (let base = 0; base < size; base += run) {
    if (base & x) {
      base += x - run;
      continue;
    }
    const flipped: usize = base & mux ? far : 0;
    let low = p + ((base as usize) << 4);
    const end = low + ((run as usize) << 4);
    for (; low < end; low += 16) {
      const high = low + far;
      const a = v128.load(low + flipped);
      const b = v128.load(high - flipped);
      const u = v128.load(low + gap + flipped);
      const v = v128.load(high + gap - flipped);
      sum = f64x2.add(sum, f64x2.sub(f64x2.mul(v, a), f64x2.mul(u, b)));
      v128.store(low, f64x2.add(f64x2.mul(cc, a), f64x2.mul(ss, b)));
      v128.store(high, f64x2.sub(f64x2.mul(cc, b), f64x2.mul(ss, a)));
      v128.store(low + gap, f64x2.add(f64x2.mul(cc, u), f64x2.mul(ss, v)));
      v128.store(high + gap, f64x2.sub(f64x2.mul(cc, v), f64x2.mul(ss, u)));
    }
  }
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** A 2 × 2 matrix on the bit x of the pairs that have all of `controls`. */
function multiply2(p: usize, size: i32, x: i32, controls: i32, m: usize): void {
  const ar = v128.load64_splat(m), br = v128.load64_splat(m, 16);
  const cr = v128.load64_splat(m, 32), dr = v128.load64_splat(m, 48);
  const sign = pair(-1, 1);
  const ai = f64x2.mul(sign, v128.load64_splat(m, 8)), bi = f64x2.mul(sign, v128.load64_splat(m, 24));
  const ci = f64x2.mul(sign, v128.load64_splat(m, 40)), di = f64x2.mul(sign, v128.load64_splat(m, 56));
  const far = (x as usize) << 4;
  const run = lowest(x | controls);
  for (let base = 0; base < size; base += run) {
    if (base & x || (base & controls) != controls) continue;
    let low = p + ((base as usize) << 4);
    const end = low + ((run as usize) << 4);
    for (; low < end; low += 16) {
      const a = v128.load(low);
      const b = v128.load(low + far);
      const as = swapped(a);
      const bs = swapped(b);
      v128.store(low, f64x2.add(f64x2.add(f64x2.mul(ar, a), f64x2.mul(ai, as)), f64x2.add(f64x2.mul(br, b), f64x2.mul(bi, bs))));
      v128.store(low + far, f64x2.add(f64x2.add(f64x2.mul(cr, a), f64x2.mul(ci, as)), f64x2.add(f64x2.mul(dr, b), f64x2.mul(di, bs))));
    }
  }
}

/** exp(−iθ/2 P): amplitudes b and b ⊕ x mix by cos and (fr + i fi) (−1)^|b ∧ z|. */
function pauli(p: usize, size: i32, x: i32, z: i32, outside: i32, controls: i32, c: f64, fr: f64, fi: f64): void {
  const cc = f64x2.splat(c);
  const re = f64x2.splat(fr);
  const im = pair(-fi, fi);
  if (x == 0) {
    for (let b = 0; b < size; b++) {
      if ((b & controls) != controls) continue;
      const at = p + ((b as usize) << 4);
      const a = v128.load(at);
      const t = f64x2.add(f64x2.mul(re, a), f64x2.mul(im, swapped(a)));
      const main = f64x2.mul(cc, a);
      v128.store(at, odd(b & z) ^ outside ? f64x2.sub(main, t) : f64x2.add(main, t));
    }
    return;
  }
  const top = 1 << (31 - clz<i32>(x));
  for (let b = 0; b < size; b++) {
    if (b & top || (b & controls) != controls) continue;
    const low = p + ((b as usize) << 4);
    const high = p + (((b ^ x) as usize) << 4);
    const a = v128.load(low);
    const d = v128.load(high);
    const ta = f64x2.add(f64x2.mul(re, a), f64x2.mul(im, swapped(a)));
    const td = f64x2.add(f64x2.mul(re, d), f64x2.mul(im, swapped(d)));
    const ma = f64x2.mul(cc, a);
    const md = f64x2.mul(cc, d);
    v128.store(low, odd((b ^ x) & z) ^ outside ? f64x2.sub(ma, td) : f64x2.add(ma, td));
    v128.store(high, odd(b & z) ^ outside ? f64x2.sub(md, ta) : f64x2.add(md, ta));
  }
}

/** ⟨λ|P|ψ⟩ without the factor i^ys, over the states with all of `controls`; real and imaginary part are added to `to`. */
function pauliTerm(p: usize, q: usize, size: i32, x: i32, z: i32, outside: i32, controls: i32, to: usize): void {
  const sign = pair(1, -1);
  let re = f64x2.splat(0);
  let im = f64x2.splat(0);
  for (let b = 0; b < size; b++) {
    if ((b & controls) != controls) continue;
    const a = v128.load(p + (((b ^ x) as usize) << 4));
    const l = v128.load(q + ((b as usize) << 4));
    const r = f64x2.mul(l, a);
    const s = f64x2.mul(f64x2.mul(sign, l), swapped(a));
    if (odd((b ^ x) & z) ^ outside) {
      re = f64x2.sub(re, r);
      im = f64x2.sub(im, s);
    } else {
      re = f64x2.add(re, r);
      im = f64x2.add(im, s);
    }
  }
  store<f64>(to, load<f64>(to) + f64x2.extract_lane(re, 0) + f64x2.extract_lane(re, 1));
  store<f64>(to, load<f64>(to, 8) + f64x2.extract_lane(im, 0) + f64x2.extract_lane(im, 1), 8);
}

function phase(p: usize, size: i32, mask: i32, c: f64, s: f64): void {
  const re = f64x2.splat(c);
  const im = pair(-s, s);
  const run = mask == 0 ? size : lowest(mask);
  for (let base = 0; base < size; base += run) {
    if ((base & mask) != mask) continue;
    let at = p + ((base as usize) << 4);
    const end = at + ((run as usize) << 4);
    for (; at < end; at += 16) {
      const a = v128.load(at);
      v128.store(at, f64x2.add(f64x2.mul(re, a), f64x2.mul(im, swapped(a))));
    }
  }
}

/** Exchanges states with bit `one` and not `other` with those that have it the other way round. */
function exchange(p: usize, size: i32, controls: i32, one: i32, other: i32): void {
  const run = lowest(controls | one | other);
  const change = one | other;
  for (let base = 0; base < size; base += run) {
    if ((base & one) == 0 || base & other || (base & controls) != controls) continue;
    let a = p + ((base as usize) << 4);
    let b = p + (((base ^ change) as usize) << 4);
    const end = a + ((run as usize) << 4);
    for (; a < end; a += 16, b += 16) {
      const t = v128.load(a);
      v128.store(a, v128.load(b));
      v128.store(b, t);
    }
  }
}

/** A record's primitive, or its inverse, on the block at p. */
export function apply(p: usize, size: i32, base: i32, record: usize, inverse: bool): void {
  const kind = load<i32>(record);
  const x = load<i32>(record, 4);
  const outer = load<i32>(record, 16);
  if ((base & outer) != outer) return;
  const controls = load<i32>(record, 12);
  const c = load<f64>(record, 40);
  const s = inverse ? -load<f64>(record, 48) : load<f64>(record, 48);
  if (kind == RY) {
    const mux = load<i32>(record, 28);
    const outerMux = load<i32>(record, 32);
    if (outerMux != 0) {
      const flip = (base & outerMux) != 0;
      if (flip && inverse) exchange(p, size, 0, x, 0);
      rotate(p, size, x, c, s, 0, false);
      if (flip && !inverse) exchange(p, size, 0, x, 0);
    } else if (controls == 0) {
      rotate(p, size, x, c, s, mux, inverse);
    } else {
      // a controlled RY is a rare matrix
      store<f64>(record, c, 40), store<f64>(record, 0, 48), store<f64>(record, -s, 56), store<f64>(record, 0, 64);
      store<f64>(record, s, 72), store<f64>(record, 0, 80), store<f64>(record, c, 88), store<f64>(record, 0, 96);
      multiply2(p, size, x, controls, record + 40);
      store<f64>(record, inverse ? -s : s, 48);
    }
  } else if (kind == MATRIX) {
    if (inverse) {
      conjugate(record);
      multiply2(p, size, x, controls, record + 40);
      conjugate(record);
    } else multiply2(p, size, x, controls, record + 40);
  } else if (kind == PAULI) {
    const ys = load<i32>(record, 24);
    const outside = odd(base & load<i32>(record, 20));
    // −i sin · i^ys
    const fr = ys == 1 ? s : ys == 3 ? -s : 0;
    const fi = ys == 0 ? -s : ys == 2 ? s : 0;
    pauli(p, size, x, load<i32>(record, 8), outside, controls, c, fr, fi);
  } else if (kind == PHASE) {
    phase(p, size, controls, c, s);
  } else {
    exchange(p, size, controls, lowest(x), x ^ lowest(x));
  }
}

/** The matrix of a record becomes its adjoint. */
function conjugate(record: usize): void {
  const br = load<f64>(record, 56);
  const bi = load<f64>(record, 64);
  store<f64>(record, -load<f64>(record, 48), 48);
  store<f64>(record, load<f64>(record, 72), 56);
  store<f64>(record, -load<f64>(record, 80), 64);
  store<f64>(record, br, 72);
  store<f64>(record, -bi, 80);
  store<f64>(record, -load<f64>(record, 96), 96);
}

/** Undoes a record on both blocks and adds ⟨λ|G|ψ⟩ of its generator to the two numbers at `to`. */
export function applyBack(p: usize, q: usize, size: i32, base: i32, record: usize, to: usize): void {
  const outer = load<i32>(record, 16);
  if ((base & outer) != outer) return;
  const kind = load<i32>(record);
  const x = load<i32>(record, 4);
  const controls = load<i32>(record, 12);
  if (kind == RY && controls == 0) {
    const outerMux = load<i32>(record, 32);
    let mux = load<i32>(record, 28);
    if (base & outerMux) {
      exchange(p, size, 0, x, 0);
      exchange(q, size, 0, x, 0);
    }
    store<f64>(to, load<f64>(to) + rotateBack(p, q, size, x, load<f64>(record, 40), load<f64>(record, 48), mux));
    return;
  }
  if (kind == RY) pauliTerm(p, q, size, x, x, 0, controls, to);
  else if (kind == PAULI) pauliTerm(p, q, size, x, load<i32>(record, 8), odd(base & load<i32>(record, 20)), controls, to);
  else if (kind == PHASE) pauliTerm(p, q, size, 0, 0, 0, controls, to);
  apply(p, size, base, record, true);
  apply(q, size, base, record, true);
}
