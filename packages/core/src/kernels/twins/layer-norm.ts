/** Layer normalisation of rows of `gamma.length` and its gradient in double precision. */
export function layerNormTwin(
  x: ArrayLike<number>,
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
  epsilon: number,
): number[] {
  const n = gamma.length;
  return normal(x, n, epsilon).z.map((z, i) => z * gamma[i % n]! + beta[i % n]!);
}

/** The gradients of x and, side by side, of gamma and beta. */
export function layerNormGradientTwin(
  dy: ArrayLike<number>,
  x: ArrayLike<number>,
  gamma: ArrayLike<number>,
  epsilon: number,
): { readonly dx: number[]; readonly sums: number[] } {
  const n = gamma.length;
  const { z, factors } = normal(x, n, epsilon);
  const sums = new Array<number>(2 * n).fill(0);
  const dx = factors.flatMap((factor, r) => {
    const row = Array.from({ length: n }, (_, c) => r * n + c);
    const g = row.map((at, c) => dy[at]! * gamma[c]!);
    const m1 = g.reduce((sum, value) => sum + value, 0) / n;
    const m2 = g.reduce((sum, value, c) => sum + value * z[row[c]!]!, 0) / n;
    for (const [c, at] of row.entries()) {
      sums[c]! += dy[at]! * z[at]!;
      sums[n + c]! += dy[at]!;
    }
    return g.map((value, c) => factor * (value - m1 - z[row[c]!]! * m2));
  });
  return { dx, sums };
}

function normal(x: ArrayLike<number>, n: number, epsilon: number): { z: number[]; factors: number[] } {
  const [z, factors]: [number[], number[]] = [[], []];
  for (let start = 0; n > 0 && start < x.length; start += n) {
    const row = Array.from({ length: n }, (_, c) => x[start + c]!);
    const mean = row.reduce((sum, value) => sum + value, 0) / n;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n;
    const factor = 1 / Math.sqrt(variance + epsilon);
    factors.push(factor);
    z.push(...row.map((value) => (value - mean) * factor));
  }
  return { z, factors };
}
