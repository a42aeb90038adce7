/**
 * A sparse matrix whose non-zero entries lie in blocks of four consecutive rows by one column: those of rows 4r … 4r + 3 are
 * `starts[r]` ≤ e < `starts[r + 1]`.
 */
export interface SparseBlocks {
  /** Where the blocks of each four rows begin, `[⌈rows / 4⌉ + 1]`. */
  readonly starts: Int32Array;
  /** The column of each block. */
  readonly columns: Int32Array;
  /** Four values for each block. Rows beyond the last are zeros. */
  readonly values: Float32Array;
}

/**
 * The blocks with a non-zero entry of the transpose of a dense matrix `[inputs, outputs]`, row-major: four consecutive outputs
 * share an input. Blocks are cut from output 0 on.
 */
export function sparseBlocksOf(dense: ArrayLike<number>, inputs: number, outputs: number): SparseBlocks {
  const rows = Math.ceil(outputs / 4);
  const starts = new Int32Array(rows + 1);
  const some = (k: number, r: number): boolean => {
    for (let o = 4 * r; o < Math.min(outputs, 4 * r + 4); o++) if (dense[k * outputs + o] !== 0) return true;
    return false;
  };
  for (let r = 0; r < rows; r++) {
    starts[r + 1] = starts[r]!;
    for (let k = 0; k < inputs; k++) if (some(k, r)) starts[r + 1]!++;
  }
  const columns = new Int32Array(starts[rows]!);
  const values = new Float32Array(4 * columns.length);
  let e = 0;
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < inputs; k++) {
      if (!some(k, r)) continue;
      columns[e] = k;
      for (let o = 4 * r; o < Math.min(outputs, 4 * r + 4); o++)
        values[4 * e + o - 4 * r] = dense[k * outputs + o]!;
      e++;
    }
  }
  return { starts, columns, values };
}
