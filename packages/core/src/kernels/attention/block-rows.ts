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

/** Lists the present blocks of `[patterns, blocks, blocks]` flags. */
export function blockRowsOf(
  present: ArrayLike<number>,
  patterns: number,
  blocks: number,
  block: number,
): BlockRows {
  const starts = new Int32Array(patterns * blocks + 1);
  const columns: number[] = [];
  for (let row = 0; row < patterns * blocks; row++) {
    for (let column = 0; column < blocks; column++) if (present[row * blocks + column]) columns.push(column);
    starts[row + 1] = columns.length;
  }
  return { block, blocks, patterns, starts, columns: Int32Array.from(columns) };
}
