/** The exponential and the error function, four numbers at a time, within two and ten roundings of float32. */
import { fma } from './fma';

/**
 * eˣ = 2ⁿ·eʳ with n = round(x·log₂e) and |r| ≤ ½·ln 2, eʳ by its series to the sixth power with the last terms fitted. ±∞ and NaN
 * as they should be; results below 2⁻¹²⁶ lose digits gradually.
 */
export function exponential(n: i32, x: usize, y: usize): void {
  const end = y + (((n & ~3) as usize) << 2);
  for (; y < end; y += 16) {
    v128.store(y, exp4(v128.load(x)));
    x += 16;
  }
  const rest = n & 3;
  for (let i = 0; i < rest; i++) {
    v128.store32_lane(y, exp4(v128.load32_splat(x)), 0);
    x += 4;
    y += 4;
  }
}

/** erf by the rational approximation x·P(x²)/Q(x²) of Eigen on [−4, 4], ±1 outside. */
export function errorFunction(n: i32, x: usize, y: usize): void {
  const end = y + (((n & ~3) as usize) << 2);
  for (; y < end; y += 16) {
    v128.store(y, erf4(v128.load(x)));
    x += 16;
  }
  const rest = n & 3;
  for (let i = 0; i < rest; i++) {
    v128.store32_lane(y, erf4(v128.load32_splat(x)), 0);
    x += 4;
    y += 4;
  }
}

// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const within = f32x4.min(f32x4.max(x, f32x4.splat(-104)), f32x4.splat(89)); // beyond, 0 and ∞; NaN stays
  const n = f32x4.nearest(f32x4.mul(within, f32x4.splat(1.44269504088896341)));
  // ln 2 in two parts, the first with room for n·ln 2 to be exact
  let r = f32x4.sub(within, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let p = f32x4.splat(1.9875691500e-4);
  p = fma(p, r, f32x4.splat(1.3981999507e-3));
  p = fma(p, r, f32x4.splat(8.3334519073e-3));
  p = fma(p, r, f32x4.splat(4.1665795894e-2));
  p = fma(p, r, f32x4.splat(1.6666665459e-1));
  p = fma(p, r, f32x4.splat(5.0000001201e-1));
  p = f32x4.add(fma(f32x4.mul(r, r), p, r), f32x4.splat(1));
  // 2ⁿ in two factors, so that neither leaves the range
  const whole = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(whole, 1);
  const one = i32x4.splat(127);
  const first = i32x4.shl(i32x4.add(half, one), 23);
  const second = i32x4.shl(i32x4.add(i32x4.sub(whole, half), one), 23);
  return f32x4.mul(f32x4.mul(p, first), second);
}

// @ts-ignore: decorator
@inline
export function erf4(given: v128): v128 {
  const x = f32x4.min(f32x4.max(given, f32x4.splat(-4)), f32x4.splat(4));
  const s = f32x4.mul(x, x);
  let p = f32x4.splat(-2.72614225801306e-10);
  p = fma(p, s, f32x4.splat(2.77068142495902e-8));
  p = fma(p, s, f32x4.splat(-2.10102402082508e-6));
  p = fma(p, s, f32x4.splat(-5.69250639462346e-5));
  p = fma(p, s, f32x4.splat(-7.34990630326855e-4));
  p = fma(p, s, f32x4.splat(-2.95459980854025e-3));
  p = fma(p, s, f32x4.splat(-1.60960333262415e-2));
  let q = f32x4.splat(-1.45660718464996e-5);
  q = fma(q, s, f32x4.splat(-2.13374055278905e-4));
  q = fma(q, s, f32x4.splat(-1.68282697438203e-3));
  q = fma(q, s, f32x4.splat(-7.37332916720468e-3));
  q = fma(q, s, f32x4.splat(-1.42647390514189e-2));
  return f32x4.div(f32x4.mul(x, p), q);
}
