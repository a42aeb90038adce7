import type { BlockRows } from '@ockham/core/kernels';

/** Rows of blocks with about as many present blocks, padded to the same number. */
export interface Bucket {
  /** Rows of all matrices, one matrix after the other. */
  readonly rows: Int32Array;
  /** Blocks of each row. */
  readonly width: number;
  /** Present columns of all matrices, `[rows, width]`; 0 where a row has fewer. */
  readonly columns: Int32Array;
  /** `[rows, block, width · block]`: 1 where a query sees a key, 0 where not; undefined where each sees all. */
  readonly open: Float32Array | undefined;
}

const known = new WeakMap<BlockRows, Map<string, readonly Bucket[]>>();

/**
 * Puts rows of blocks together so that each bucket is a few large products, and padding at most doubles its work. Rows
 * without any block are in no bucket.
 */
export function bucketsOf(rows: BlockRows, length: number, causal: boolean): readonly Bucket[] {
  const key = `${length} ${causal}`;
  const made = known.get(rows) ?? new Map<string, readonly Bucket[]>();
  known.set(rows, made);
  let found = made.get(key);
  if (!found) made.set(key, (found = makeBuckets(rows, length, causal)));
  return found;
}

function makeBuckets(layout: BlockRows, length: number, causal: boolean): Bucket[] {
  const { starts, blocks, patterns } = layout;
  const size = (row: number): number => starts[row + 1]! - starts[row]!;
  const order = Array.from({ length: patterns * blocks }, (_, row) => row)
    .filter((row) => size(row) > 0)
    .sort((a, b) => size(b) - size(a) || a - b);
  const groups: number[][] = [];
  for (const row of order) {
    const last = groups.at(-1);
    if (last && 2 * size(row) > size(last[0]!)) last.push(row);
    else groups.push([row]);
  }
  return groups.map((group) => {
    const rows = Int32Array.from(group.sort((a, b) => a - b));
    return bucket(layout, rows, Math.max(...group.map(size)), length, causal);
  });
}

function bucket(
  { starts, columns: all, block, blocks }: BlockRows,
  rows: Int32Array,
  width: number,
  length: number,
  causal: boolean,
): Bucket {
  const columns = new Int32Array(rows.length * width);
  const open = new Float32Array(rows.length * block * width * block);
  for (const [r, row] of rows.entries()) {
    const matrix = Math.floor(row / blocks) * blocks;
    const present = all.subarray(starts[row], starts[row + 1]);
    columns.fill(matrix, r * width, (r + 1) * width);
    for (const [i, column] of present.entries()) {
      columns[r * width + i] = matrix + column;
      for (let y = 0; y < block; y++) {
        const query = (row - matrix) * block + y;
        const end = causal ? Math.min(length, query + 1) : length;
        const count = Math.max(0, Math.min(block, end - column * block));
        const at = ((r * block + y) * width + i) * block;
        open.fill(1, at, at + count);
      }
    }
  }
  return { rows, width, columns, open: open.every((flag) => flag === 1) ? undefined : open };
}
