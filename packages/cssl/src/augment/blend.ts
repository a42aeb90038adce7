/**
 * `from + alpha (to - from)` in float32, cut to 0 … 255 and to a whole level; alpha above 1 goes beyond `to`. In float32
 * because the reference computes so: in float64 some products land on the other side of a level.
 *
 * @param alpha A float32 number.
 */
export function blended(from: number, to: number, alpha: number): number {
  const value = Math.fround(from + Math.fround(alpha * (to - from)));
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
}
