/**
 * IEEE 754 half precision on typed arrays, since `Float16Array` is missing in Node 20 and 22.
 */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The nearest half-precision number, ties to even, as its 16 bits. Above 65,504 + ½ ulp it is infinite. */
export function toFloat16Bits(value: number): number {
  float[0] = value;
  const word = bits[0]!;
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds past the largest half
  if (magnitude < 0x33000001) return sign; // at most half of the smallest subnormal: ties to zero
  const exponent = magnitude >>> 23;
  if (exponent >= 113) return sign | roundToEven(magnitude - 0x38000000, 13); // normal: rebias 127 → 15
  return sign | roundToEven((magnitude & 0x7fffff) | 0x800000, 126 - exponent); // subnormal
}

/** `word >>> shift`, rounded to nearest, ties to even. A carry runs into the exponent, as it must. */
function roundToEven(word: number, shift: number): number {
  const kept = word >>> shift;
  const rest = word & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}

/** The number behind 16 bits of half precision. Exact. */
export function fromFloat16Bits(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Rounds an array to half precision. */
export function toFloat16(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  return Uint16Array.from(values, toFloat16Bits);
}

/** Widens half precision to float32. Exact. */
export function fromFloat16(halves: ArrayLike<number>): Float32Array<ArrayBuffer> {
  return Float32Array.from(halves, fromFloat16Bits);
}
