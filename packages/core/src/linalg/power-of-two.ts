import { NonFiniteError } from '../errors.ts';
import { copyIn } from './arena.ts';

/**
 * The exponent e for which `max |a| * 2^e` is in [1, 2), or 0 for zeros. Scaling by a power of two is exact, and
 * keeps the squares that factorisations sum from overflowing or vanishing.
 */
export function unitExponent(values: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (size > largest) largest = size;
  }
  if (largest === 0) return 0;
  // log2 is off by one at most near a power of two, where it does no harm; a subnormal's is exact enough too.
  return -Math.floor(Math.log2(largest));
}

/** A copy of `values`, times 2^exponent, made by {@link allocate}. */
export function scaled(values: Float64Array, exponent: number): Float64Array {
  const copy = copyIn(values);
  scaleInPlace(copy, exponent);
  return copy;
}

/** Multiplies by 2^exponent, of any size: 2^1074 alone is no number. */
export function scaleInPlace(values: Float64Array, exponent: number): void {
  for (let left = exponent; left !== 0;) {
    const step = Math.max(-1000, Math.min(1000, left));
    const factor = 2 ** step;
    for (let i = 0; i < values.length; i++) values[i]! *= factor;
    left -= step;
  }
}

/**
 * Undoes {@link scaled} on a result.
 *
 * @throws NonFiniteError where the result is larger than any number.
 */
export function unscale(who: string, name: string, values: Float64Array, exponent: number): void {
  scaleInPlace(values, -exponent);
  for (let i = 0; exponent < 0 && i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new NonFiniteError(
        `${who}: ${name} must stay below 1.8e308, got a larger one. Divide the matrix by a constant first.`,
      );
    }
  }
}
