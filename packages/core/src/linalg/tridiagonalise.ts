/**
 * Reduction A = Q T Qᵀ of a symmetric matrix to tridiagonal T by Householder reflectors, the updates of the rest
 * deferred to one product a block (Dongarra, Hammarling and Sorensen 1989).
 *
 * Names: after k steps of a block the current matrix is A − V Wᵀ − W Vᵀ, with the reflectors' vectors as columns of V.
 */
import { addProduct, block, transposed } from './add-product.ts';
import { allocate } from './arena.ts';
import { blockSize, makeReflectors, reflect } from './reflectors.ts';
import type { Reflectors } from './reflectors.ts';
import { addRows, rowsTimesVector } from './row-products.ts';

export interface Tridiagonalisation {
  readonly diagonal: Float64Array;
  /** One shorter than the diagonal. */
  readonly offDiagonal: Float64Array;
  readonly reflectors: Reflectors;
}

/** Reduces the symmetric `a` `[n, n]`, which it overwrites. */
export function tridiagonalise(a: Float64Array, n: number): Tridiagonalisation {
  const d = new Float64Array(n);
  const e = new Float64Array(n - 1);
  const reflectors = makeReflectors(n - 1, n, 1);
  const { vectors: V, taus } = reflectors;
  const W = allocate(blockSize * n);
  const t = allocate(blockSize);
  const row = allocate(n);

  for (let first = 0; first < n; first += blockSize) {
    const size = Math.min(blockSize, n - first);
    for (let i = 0; i < size; i++) {
      const c = first + i;
      for (let j = c; j < n; j++) row[j] = a[c * n + j]!;
      addRows(W, c, n, i, -1, V, first * n + c, n, row, c, n - c);
      addRows(V, first * n + c, n, i, -1, W, c, n, row, c, n - c);
      d[c] = row[c]!;
      const rest = n - c - 1;
      if (rest === 0) break;
      const v = c * n + c + 1;
      V.set(row.subarray(c + 1), v);
      e[c] = reflect(V, v, rest, taus, c);

      // w = τ (A − V Wᵀ − W Vᵀ) v − ½ τ (wᵀv) v
      const w = i * n + c + 1;
      const tau = taus[c]!;
      rowsTimesVector(a, (c + 1) * n + c + 1, n, rest, V, v, rest, W, w);
      rowsTimesVector(W, c + 1, n, i, V, v, rest, t, 0);
      addRows(V, first * n + c + 1, n, i, -1, t, 0, 1, W, w, rest);
      rowsTimesVector(V, first * n + c + 1, n, i, V, v, rest, t, 0);
      addRows(W, c + 1, n, i, -1, t, 0, 1, W, w, rest);
      let dot = 0;
      for (let j = 0; j < rest; j++) dot += W[w + j]! * V[v + j]!;
      const half = 0.5 * tau * tau * dot;
      for (let j = 0; j < rest; j++) W[w + j] = tau * W[w + j]! - half * V[v + j]!;
    }
    const next = first + size;
    if (next === n) break;
    subtractProducts(a, n, next, size, V, first * n, W);
  }
  return { diagonal: d, offDiagonal: e, reflectors };
}

/** A − V Wᵀ − W Vᵀ from row and column `next` on: its lower triangle in strips of columns, mirrored. */
function subtractProducts(
  a: Float64Array,
  n: number,
  next: number,
  size: number,
  V: Float64Array,
  vOffset: number,
  W: Float64Array,
): void {
  const strip = 64;
  for (let start = next; start < n; start += strip) {
    const height = n - start;
    const width = Math.min(strip, height);
    const v = block(V, vOffset + start, n);
    const w = block(W, start, n);
    const at = start * n + start;
    addProduct(height, width, size, -1, transposed(v), w, a, at, n);
    addProduct(height, width, size, -1, transposed(w), v, a, at, n);
    for (let i = start; i < n; i++) {
      for (let j = start, end = Math.min(i, start + width); j < end; j++) a[j * n + i] = a[i * n + j]!;
    }
  }
}
