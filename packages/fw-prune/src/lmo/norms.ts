import type { Vector } from './feasible-set.ts';
import { checkCount } from './feasible-set.ts';

/** Σ |x_i|. */
export function norm1(x: Vector): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += Math.abs(x[i]!);
  return sum;
}

/** Euclidean norm; scaled by the largest entry where the plain sum of squares would vanish or overflow. */
export function norm2(x: Vector): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * x[i]!;
  if (sum > 1e-280 && sum < Infinity) return Math.sqrt(sum);
  const scale = normInfinity(x);
  if (scale === 0) return 0;
  sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i]! / scale) ** 2;
  return scale * Math.sqrt(sum);
}

/** max |x_i|, 0 for an empty vector. */
export function normInfinity(x: Vector): number {
  let largest = 0;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]!));
  return largest;
}

/**
 * The k-support norm: the gauge of conv{v : ‖v‖₀ ≤ k, ‖v‖₂ ≤ 1} (Argyriou, Foygel and Srebro 2012, Proposition 2.1).
 * k = 1 is the L1 norm, k = n the L2 norm.
 *
 * @throws ArgumentError unless k is an integer in [1, n].
 */
export function kSupportNorm(x: Vector, k: number): number {
  checkCount('kSupportNorm', 'k', k, x.length);
  const a = Float64Array.from(x, Math.abs).sort().reverse();
  let tail = 0; // Σ_{i ≥ k-r} a_i, 1-based
  for (let i = k - 1; i < a.length; i++) tail += a[i]!;
  let r = 0;
  // The smallest r with a_{k-r-1} > tail / (r + 1), where a_0 = ∞.
  while (r < k - 1 && a[k - r - 2]! <= tail / (r + 1)) {
    r++;
    tail += a[k - r - 1]!;
  }
  return Math.hypot(norm2(a.subarray(0, k - r - 1)), tail / Math.sqrt(r + 1));
}
