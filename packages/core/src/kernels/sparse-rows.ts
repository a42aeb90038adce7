/** The entries of a sparse matrix, row by row: those of row o are `starts[o]` ≤ e < `starts[o + 1]`. */
export interface SparseRows {
  /** Where the entries of each row begin, `[rows + 1]`. */
  readonly starts: Int32Array;
  /** The column of each entry. */
  readonly columns: Int32Array;
  /** The entries. */
  readonly values: Float32Array;
}

/**
 * The non-zero entries of the transpose of a dense matrix, `[inputs, outputs]` row-major as a kernel of a dense layer or the
 * taps and channels of a convolution: one row for each output.
 */
export function sparseRowsOf(dense: ArrayLike<number>, inputs: number, outputs: number): SparseRows {
  const starts = new Int32Array(outputs + 1);
  for (let i = 0; i < inputs * outputs; i++) if (dense[i] !== 0) starts[(i % outputs) + 1]!++;
  for (let o = 0; o < outputs; o++) starts[o + 1]! += starts[o]!;
  const columns = new Int32Array(starts[outputs]!);
  const values = new Float32Array(starts[outputs]!);
  const next = starts.slice(0, outputs);
  for (let k = 0; k < inputs; k++) {
    for (let o = 0; o < outputs; o++) {
      const value = dense[k * outputs + o]!;
      if (value === 0) continue;
      const at = next[o]!++;
      columns[at] = k;
      values[at] = value;
    }
  }
  return { starts, columns, values };
}
