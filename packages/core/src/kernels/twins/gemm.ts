/** C = A·B in plain TypeScript, the oracle of the kernel: the definition, in double precision. */
export function gemmTwin(
  transposeA: boolean,
  transposeB: boolean,
  [m, n, k]: readonly [m: number, n: number, k: number],
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++)
        sum += a[transposeA ? p * m + i : i * k + p]! * b[transposeB ? j * k + p : p * n + j]!;
      c[i * n + j] = sum;
    }
  }
  return c;
}
