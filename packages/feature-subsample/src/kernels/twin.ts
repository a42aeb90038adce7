/** The kernels in plain TypeScript, additions in the same order: the oracle of the other, and its stand-in without SIMD. */

/** `out[i] = Σ_j a(i, j) x[j]` for `rows` rows from `aOffset`. */
export function plainTimes(
  rows: number,
  columns: number,
  a: Float64Array,
  aOffset: number,
  x: Float64Array,
  out: Float64Array,
): void {
  for (let i = 0; i < rows; i++) out[i] = dot(columns, a, aOffset + i * columns, x);
}

/** `out += Aᵀ(A x − b)` over `rows` rows from `aOffset`, `bOffset`. */
export function plainAddGradient(
  rows: number,
  columns: number,
  a: Float64Array,
  aOffset: number,
  x: Float64Array,
  b: Float64Array | undefined,
  bOffset: number,
  out: Float64Array,
  r?: Float64Array,
): void {
  const residual = (i: number): number => {
    const value = dot(columns, a, aOffset + i * columns, x) - (b ? b[bOffset + i]! : 0);
    if (r) r[i] = value;
    return value;
  };
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const [r0, r1, r2, r3] = [residual(i), residual(i + 1), residual(i + 2), residual(i + 3)];
    const p = aOffset + i * columns;
    for (let j = 0; j < columns; j++) {
      const first = r0 * a[p + j]! + r1 * a[p + columns + j]!;
      const second = r2 * a[p + 2 * columns + j]! + r3 * a[p + 3 * columns + j]!;
      out[j]! += first + second;
    }
  }
  for (; i < rows; i++) {
    const last = residual(i);
    const p = aOffset + i * columns;
    for (let j = 0; j < columns; j++) out[j]! += last * a[p + j]!;
  }
}

function dot(columns: number, a: Float64Array, p: number, x: Float64Array): number {
  let even = 0;
  let odd = 0;
  const pairs = columns & ~1;
  for (let j = 0; j < pairs; j += 2) {
    even += a[p + j]! * x[j]!;
    odd += a[p + j + 1]! * x[j + 1]!;
  }
  let sum = even + odd;
  if (columns & 1) sum += a[p + columns - 1]! * x[columns - 1]!;
  return sum;
}
