import { ArgumentError } from '../errors.ts';
import type { Matrix } from './matrix.ts';

/**
 * The values of (a + aᵀ)/2, for a square `a` that is symmetric up to `tolerance` times its largest element.
 *
 * @throws ArgumentError naming two elements that differ by more, or for a tolerance below 0
 */
export function symmetric(who: string, a: Matrix, tolerance: number): Float64Array {
  if (!(tolerance >= 0)) {
    throw new ArgumentError(`${who}: symmetryTolerance must be a number from 0, got ${tolerance}.`);
  }
  const n = a.rows;
  const values = a.values.slice();
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]!));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const below = values[i * n + j]!;
      const above = values[j * n + i]!;
      if (Math.abs(below - above) > tolerance * largest) {
        throw new ArgumentError(
          `${who}: a must be symmetric, got a(${i}, ${j}) = ${below} and a(${j}, ${i}) = ${above}. ` +
            'Pass (a + aᵀ)/2 if that is meant, or use svd.',
        );
      }
      // halves first: the sum of two huge numbers overflows; equal numbers are kept, subnormal ones too
      values[i * n + j] = values[j * n + i] = below === above ? below : 0.5 * below + 0.5 * above;
    }
  }
  return values;
}
