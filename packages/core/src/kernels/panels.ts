/** The form in which the fused kernels hold a matrix: what `gemm` would pack anew at each call. */

/** Rows of a block, and columns of a panel: those of `assembly/gemm.ts`. */
const BLOCK = 256;
const PANEL = 8;

/** What {@link Kernels.fusedFinish} applies, by the number that it takes. */
export const fusedActivations = { linear: 0, relu: 1, gelu: 2, 'gelu-tanh': 3, tanh: 4 } as const;
/** The name of an activation of the fused kernels: `gelu` with the error function, `gelu-tanh` its approximation. */
export type FusedActivation = keyof typeof fusedActivations;

/** Numbers that a packed matrix `[k, n]` takes. */
export function panelNumbers(k: number, n: number): number {
  return k * PANEL * Math.ceil(n / PANEL);
}

/**
 * Packs a matrix `[k, n]` for {@link Kernels.fusedDense}: for each 256 rows of it panels of 8 columns, a row of a panel after the other,
 * the last panel filled up with zeros.
 *
 * @param values Row-major; `[n, k]` if `transposed`.
 * @param to {@link panelNumbers} numbers.
 */
export function packPanels(
  values: Float32Array,
  [k, n]: readonly [k: number, n: number],
  to: Float32Array,
  { transposed = false }: { readonly transposed?: boolean } = {},
): void {
  const [row, column] = transposed ? [1, k] : [n, 1];
  let next = 0;
  for (let p = 0; p < k; p += BLOCK)
    for (let j = 0; j < n; j += PANEL)
      for (let i = p; i < Math.min(p + BLOCK, k); i++)
        for (let c = j; c < j + PANEL; c++) to[next++] = c < n ? values[i * row + c * column]! : 0;
}
