/**
 * Sums of squares of float32 numbers that do not depend on how the numbers are cut: the square of a float32 is exact in a float64,
 * and it is added piece by piece to bins of fixed weight in which no addition rounds.
 *
 * Source: Demmel and Nguyen 2015, Parallel reproducible summation, with bins that are fixed in advance, which float32 allows.
 */

/** Bits of a bin: it holds multiples of 2^(26·b), of which 2^27 can be added before a float64 would round. */
const BITS = 26;
/** Squares of float32 reach from 2^−298 to 2^256: bins −12 … 9. */
const LOWEST = -12;

/** Numbers that one sum takes in a partial vector. */
export const BINS = 22;

const word = new Float64Array(1);
const halves = new Int32Array(word.buffer);
const roundTo = Float64Array.from({ length: BINS }, (_, b) => 1.5 * 2 ** (52 + BITS * (b + LOWEST)));

/** Adds x² for x in `values[begin, end)` to the bins from `at`. NaN and infinite values make the sum NaN or infinite. */
export function addSquares(
  bins: Float64Array,
  at: number,
  values: Float32Array,
  begin: number,
  end: number,
): void {
  for (let i = begin; i < end; i++) {
    let rest = values[i]! * values[i]!;
    if (rest === 0) continue;
    if (!(rest < Infinity)) {
      bins[at] = bins[at]! + rest;
      continue;
    }
    while (rest !== 0) {
      word[0] = rest;
      const exponent = ((halves[1]! >>> 20) & 0x7ff) - 1023;
      const b = Math.max(0, Math.floor(exponent / BITS) - LOWEST);
      const magic = roundTo[b]!;
      const piece = rest + magic - magic;
      bins[at + b] = bins[at + b]! + piece;
      rest -= piece;
    }
  }
}

/** The sum that the bins from `at` hold, as a float64. */
export function sumOfBins(bins: Float64Array, at: number): number {
  let sum = 0;
  for (let b = BINS - 1; b >= 0; b--) sum += bins[at + b]!;
  return sum;
}
