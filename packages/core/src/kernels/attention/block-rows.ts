/** Which blocks of square matrices of blocks are present, row by row, as of a sparse matrix. */
export interface BlockRows {
  /** Tokens of a block. */
  readonly block: number;
  /** Rows and columns of blocks; the last may be shorter than `block`. */
  readonly blocks: number;
  /** Matrices: one for all heads, or one for each. */
  readonly patterns: number;
  /** Where each row begins in `columns`, matrix after matrix, and where the last ends: `patterns · blocks + 1` numbers. */
  readonly starts: Int32Array;
  /** Present columns of blocks, ascending within a row. */
  readonly columns: Int32Array;
}

/** Lists the present columns, ascending, of `blocks` rows of blocks for each matrix. */
export function blockRowsOf(rows: readonly (readonly number[])[], blocks: number, block: number): BlockRows {
  const starts = new Int32Array(rows.length + 1);
  for (const [row, columns] of rows.entries()) starts[row + 1] = starts[row]! + columns.length;
  const columns = new Int32Array(starts.at(-1)!);
  for (const [row, own] of rows.entries()) columns.set(own, starts[row]);
  return { block, blocks, patterns: rows.length / blocks, starts, columns };
}
