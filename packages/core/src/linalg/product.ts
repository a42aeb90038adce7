/** Products of matrices that lie in ordinary arrays: a block of each at a time is copied to the memory of the kernels. */
import { addProduct, block, transposed } from './add-product.ts';
import type { Block } from './add-product.ts';
import { reserve, withArena } from './arena.ts';

/** Rows and columns of a block: copying is then nothing beside multiplying, and three of them stay below the arena's cap. */
const edge = 1024;

/** The product `[m, n]` of `a` `[m, k]` and `b` `[k, n]`. */
export function product(m: number, n: number, k: number, a: Block, b: Block): Float64Array {
  const values = new Float64Array(m * n);
  const [height, width, depth] = [Math.min(m, edge), Math.min(n, edge), Math.min(k, edge)];
  withArena(height * depth + depth * width + height * width, () => {
    const A = reserve(height * depth);
    const B = reserve(depth * width);
    const C = reserve(height * width);
    for (let j = 0; j < n; j += width) {
      const nj = Math.min(width, n - j);
      for (let i = 0; i < m; i += height) {
        const ni = Math.min(height, m - i);
        C.fill(0);
        for (let p = 0; p < k; p += depth) {
          const np = Math.min(depth, k - p);
          const left = copyBlock(a, i, p, ni, np, A);
          const right = copyBlock(b, p, j, np, nj, B);
          addProduct(ni, nj, np, 1, left, right, C, 0, nj);
        }
        copyRows(C, 0, nj, ni, nj, values, i * n + j, n);
      }
    }
  });
  return values;
}

/** Rows `i … i + rows − 1` and columns `j … j + columns − 1` of `from`, copied to the start of `to`. */
function copyBlock(
  from: Block,
  i: number,
  j: number,
  rows: number,
  columns: number,
  to: Float64Array,
): Block {
  const start = from.offset + i * from.rowStride + j * from.columnStride;
  if (from.columnStride === 1) {
    copyRows(from.values, start, from.rowStride, rows, columns, to, 0, columns);
    return block(to, 0, columns);
  }
  copyRows(from.values, start, from.columnStride, columns, rows, to, 0, rows);
  return transposed(block(to, 0, rows));
}

function copyRows(
  from: Float64Array,
  start: number,
  stride: number,
  rows: number,
  columns: number,
  to: Float64Array,
  toStart: number,
  toStride: number,
): void {
  if (stride === columns && toStride === columns) {
    to.set(from.subarray(start, start + rows * columns), toStart);
    return;
  }
  for (let r = 0; r < rows; r++) {
    const at = start + r * stride;
    to.set(from.subarray(at, at + columns), toStart + r * toStride);
  }
}
