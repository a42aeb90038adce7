/** How the entries of a quantised matrix are written in few bits, and what they stand for before they are scaled. */

/**
 * `int8` … `int2`: two's complement of so many bits. `ternary`: −1, 0, 1, five to a byte. `binary`: −1, 1. `fp8-…` and `fp4-…`: bit
 * patterns of a small floating-point number with so many bits of exponent and mantissa, without infinities for e4m3 and e2m1, of
 * the Open Compute Project's 8-bit and microscaling formats.
 */
export type Coding =
  'int8' | 'int4' | 'int3' | 'int2' | 'ternary' | 'binary' | 'fp8-e4m3' | 'fp8-e5m2' | 'fp4-e2m1';

/** What is known of a coding. */
export interface CodingFacts {
  /** Bits of an entry; 8/5 for ternary. */
  readonly bits: number;
  /** The codes that there are, ascending order not implied. */
  readonly low: number;
  /** The largest code. */
  readonly high: number;
  /** The numbers that bit patterns stand for, `[2 ** bits]`, where codes are patterns: NaN where a pattern is no number. */
  readonly values?: Float32Array;
}

/** Every coding. */
export const CODINGS: Readonly<Record<Coding, CodingFacts>> = {
  int8: { bits: 8, low: -128, high: 127 },
  int4: { bits: 4, low: -8, high: 7 },
  int3: { bits: 3, low: -4, high: 3 },
  int2: { bits: 2, low: -2, high: 1 },
  ternary: { bits: 8 / 5, low: -1, high: 1 },
  binary: { bits: 1, low: -1, high: 1 },
  'fp8-e4m3': { bits: 8, low: -128, high: 127, values: floats(4, 3, 'one NaN') },
  'fp8-e5m2': { bits: 8, low: -128, high: 127, values: floats(5, 2, 'IEEE') },
  'fp4-e2m1': { bits: 4, low: 0, high: 15, values: floats(2, 1, 'finite') },
};

/** Bytes of a row of codes: rows start on bytes. */
export function rowBytes(coding: Coding, inputs: number): number {
  return coding === 'ternary' ? Math.ceil(inputs / 5) : Math.ceil((inputs * CODINGS[coding].bits) / 8);
}

/** The number of each pattern of 1 + e + m bits; what is special among those of the highest exponent. */
function floats(exponents: number, mantissas: number, special: 'IEEE' | 'one NaN' | 'finite'): Float32Array {
  const bias = 2 ** (exponents - 1) - 1;
  const top = 2 ** exponents - 1;
  const steps = 2 ** mantissas;
  return Float32Array.from({ length: 2 * steps * (top + 1) }, (_, pattern) => {
    const sign = pattern >= steps * (top + 1) ? -1 : 1;
    const exponent = Math.floor(pattern / steps) % (top + 1);
    const mantissa = pattern % steps;
    if (exponent === top && special === 'IEEE') return mantissa === 0 ? sign * Infinity : NaN;
    if (exponent === top && mantissa === steps - 1 && special === 'one NaN') return NaN;
    if (exponent === 0) return sign * (mantissa / steps) * 2 ** (1 - bias);
    return sign * (1 + mantissa / steps) * 2 ** (exponent - bias);
  });
}
