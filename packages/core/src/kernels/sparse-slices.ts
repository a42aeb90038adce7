import type { SparseRows } from './sparse-rows.ts';

/**
 * A sparse matrix for the product with one vector: rows sorted by length, eight at a time side by side, each slice filled up
 * to the longest of its rows.
 */
export interface SparseSlices {
  /** Which row comes i-th. */
  readonly order: Int32Array;
  /** The entries of slice s are `starts[s]` ≤ e < `starts[s + 1]`, eight values each. */
  readonly starts: Int32Array;
  /** Four times the column of each value, that of the column after the last where a row has ended. */
  readonly offsets: Uint16Array;
  /** The entries, slice by slice, zeros where a row has ended. */
  readonly values: Float32Array;
}

/** Columns whose byte offsets, with that of the zero behind them, fit in 16 bits. */
export const SLICE_COLUMNS = 16_383;

/** The columns `from` ≤ c < `to` of a sparse matrix, at most {@link SLICE_COLUMNS} of them, counted from `from`. */
export function sparseSlicesOf(
  { starts, columns, values }: SparseRows,
  from: number,
  to: number,
): SparseSlices {
  const rows = starts.length - 1;
  const firsts = new Int32Array(rows);
  const lengths = new Int32Array(rows);
  for (let r = 0; r < rows; r++) {
    let e = starts[r]!;
    while (e < starts[r + 1]! && columns[e]! < from) e++;
    firsts[r] = e;
    while (e < starts[r + 1]! && columns[e]! < to) e++;
    lengths[r] = e - firsts[r]!;
  }
  const order = Int32Array.from(lengths.keys()).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const slices = Math.ceil(rows / 8);
  const places = new Int32Array(slices + 1);
  for (let s = 0; s < slices; s++) places[s + 1] = places[s]! + lengths[order[8 * s]!]!; // the first is the longest
  const offsets = new Uint16Array(8 * places[slices]!).fill(4 * (to - from));
  const spread = new Float32Array(offsets.length);
  for (const [i, row] of order.entries()) {
    let at = 8 * places[i >> 3]! + (i & 7);
    for (let e = firsts[row]!; e < firsts[row]! + lengths[row]!; e++, at += 8) {
      offsets[at] = 4 * (columns[e]! - from);
      spread[at] = values[e]!;
    }
  }
  return { order, starts: places, offsets, values: spread };
}
