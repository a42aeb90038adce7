/** dx = dy where 0 < x ≤ high, 0 elsewhere, in plain TypeScript. */
export function reluGradientTwin(dy: Float32Array, x: Float32Array, high: number): Float32Array {
  return dy.map((gradient, i) => (x[i]! > 0 && x[i]! <= high ? gradient : 0));
}

/** min(max(x, low), high). */
export function keepWithinTwin(x: Float32Array, low: number, high: number): Float32Array {
  return x.map((value) => Math.min(Math.max(value, low), high));
}

/** (x − mean)·factor + offset in rows as long as `mean`, each step rounded to float32. */
export function normaliseTwin(
  x: Float32Array,
  mean: Float32Array,
  factor: Float32Array,
  offset: Float32Array,
): Float32Array {
  const n = mean.length;
  return x.map((value, i) => {
    const scaled = Math.fround(Math.fround(value - mean[i % n]!) * factor[i % n]!);
    return scaled + offset[i % n]!;
  });
}

/** x + v, x − v or x·v in rows as long as `v`. */
export function rowOperationTwin(kind: 0 | 1 | 2, x: Float32Array, v: Float32Array): Float32Array {
  const of = (a: number, b: number): number => [a + b, a - b, a * b][kind]!;
  return x.map((value, i) => of(value, v[i % v.length]!));
}

/** Sums of columns, in double precision. */
export function columnSumsTwin(n: number, x: Float32Array): Float64Array {
  const sums = new Float64Array(n);
  for (const [i, value] of x.entries()) sums[i % n]! += value;
  return sums;
}

/** Σ dy and, after them, Σ dy·(x − mean) of each column, in double precision. */
export function normalSumsTwin(dy: Float32Array, x: Float32Array, mean: Float32Array): Float64Array {
  const n = mean.length;
  const sums = new Float64Array(2 * n);
  for (const [i, gradient] of dy.entries()) {
    sums[i % n]! += gradient;
    sums[n + (i % n)]! += gradient * (x[i]! - mean[i % n]!);
  }
  return sums;
}

/** A step of Adam on weights, moments and gradient, each operation rounded to float32: the new weights and moments. */
export function adamStepTwin(
  w: Float32Array,
  m: Float32Array,
  v: Float32Array,
  g: Float32Array,
  [beta1, rest1, beta2, rest2, correction1, correction2, epsilon, rate]: Float32Array,
): { readonly w: Float32Array; readonly m: Float32Array; readonly v: Float32Array } {
  const f = Math.fround;
  const first = m.map((value, i) => f(value * beta1!) + f(g[i]! * rest1!));
  const second = v.map((value, i) => f(value * beta2!) + f(f(g[i]! * g[i]!) * rest2!));
  const moved = w.map((value, i) => {
    const root = f(f(Math.sqrt(f(second[i]! / correction2!))) + epsilon!);
    return f(f(f(first[i]! / correction1!) / root) * rate!) + value;
  });
  return { w: moved, m: first, v: second };
}

/** erf(x) by its Taylor series in double precision, for |x| ≤ 4; beyond it differs from ±1 by less than 1e-7. */
export function errorFunctionTwin(x: number): number {
  if (Math.abs(x) > 4) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; n < 120; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
