/**
 * y_o = min(max(Σ_k x_k · w_ko + plus_o, low), high) in plain TypeScript, the oracle of the sparse kernels: the definition, in
 * double precision, over the weights that are not 0.
 *
 * @param w `[inputs, outputs]`, row-major.
 */
export function sparseVectorTwin(
  [inputs, outputs]: readonly [inputs: number, outputs: number],
  w: ArrayLike<number>,
  x: ArrayLike<number>,
  plus: ArrayLike<number> = new Float32Array(outputs),
  [low, high]: readonly [low: number, high: number] = [-Infinity, Infinity],
): Float64Array {
  return Float64Array.from({ length: outputs }, (_, o) => {
    let sum = plus[o]!;
    for (let k = 0; k < inputs; k++) {
      const weight = w[k * outputs + o]!;
      if (weight !== 0) sum += x[k]! * weight;
    }
    return Math.min(Math.max(sum, low), high);
  });
}

/** The same for X `[inputs, p]`, column by column: Y `[outputs, p]`. */
export function sparseProductTwin(
  [inputs, outputs, p]: readonly [inputs: number, outputs: number, p: number],
  w: ArrayLike<number>,
  x: ArrayLike<number>,
  plus?: ArrayLike<number>,
  range?: readonly [low: number, high: number],
): Float64Array {
  const y = new Float64Array(outputs * p);
  for (let q = 0; q < p; q++) {
    const column = Float64Array.from({ length: inputs }, (_, k) => x[k * p + q]!);
    const sums = sparseVectorTwin([inputs, outputs], w, column, plus, range);
    for (let o = 0; o < outputs; o++) y[o * p + q] = sums[o]!;
  }
  return y;
}
