/** The int32 sums of A · Bᵀ in plain TypeScript, the oracle of the kernel: the definition. */
export function int8GemmTwin(
  [m, n, k]: readonly [m: number, n: number, k: number],
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): Int32Array {
  const c = new Int32Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += a[i * k + p]! * b[j * k + p]!;
      c[i * n + j] = sum;
    }
  }
  return c;
}

/** max(C · columnScale · rowScale + bias, low), rounded to float32 after each step. */
export function int8FinishTwin(
  [m, n]: readonly [m: number, n: number],
  c: Int32Array,
  rowScales: Float32Array,
  columnScales: Float32Array,
  bias: Float32Array | undefined,
  low: number,
): Float32Array {
  return Float32Array.from({ length: m * n }, (_, at) => {
    const j = at % n;
    const scaled = Math.fround(
      Math.fround(Math.fround(c[at]!) * columnScales[j]!) * rowScales[Math.floor(at / n)]!,
    );
    return Math.max(bias ? Math.fround(scaled + bias[j]!) : scaled, low);
  });
}
