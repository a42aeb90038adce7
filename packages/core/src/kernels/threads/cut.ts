/** [0, n) in up to `pieces` ranges, almost equal and multiples of `step` long, but for the last. */
export function cut(n: number, pieces: number, step = 1): (readonly [first: number, end: number])[] {
  const steps = Math.ceil(n / step);
  const count = Math.max(1, Math.min(pieces, steps));
  const at = (i: number): number => Math.min(n, step * Math.floor((i * steps) / count));
  return Array.from({ length: count }, (_, i) => [at(i), at(i + 1)] as const);
}
