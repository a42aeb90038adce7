/**
 * Reduction A = Q B Pᵀ to upper bidiagonal B by Householder reflectors from both sides, the updates of the rest of the
 * matrix deferred to one product a block (Dongarra, Hammarling and Sorensen 1989).
 *
 * Names: after k steps of a block the current matrix is A − U Yᵀ − X Vᵀ, with the reflectors' vectors as the columns
 * of U and V. All four are kept transposed here, so that every loop runs along a row.
 */
import { addProduct, block, transposed } from './add-product.ts';
import { allocate } from './arena.ts';
import { blockSize, makeReflectors, reflect } from './reflectors.ts';
import type { Reflectors } from './reflectors.ts';
import { addRows, rowsTimesVector } from './row-products.ts';

/** B's diagonals, and the reflectors whose products are Q and P. */
export interface Bidiagonalisation {
  readonly diagonal: Float64Array;
  /** One shorter than the diagonal. */
  readonly superdiagonal: Float64Array;
  readonly left: Reflectors;
  readonly right: Reflectors;
}

/** Reduces `a` `[m, n]`, m ≥ n, which it overwrites. */
export function bidiagonalise(a: Float64Array, m: number, n: number): Bidiagonalisation {
  const d = new Float64Array(n);
  const e = new Float64Array(n - 1);
  const left = makeReflectors(n, m, 0);
  const right = makeReflectors(n - 1, n, 1);
  const U = left.vectors;
  const V = right.vectors;
  const X = allocate(blockSize * m);
  const Y = allocate(blockSize * n);
  const t = allocate(blockSize);

  for (let first = 0; first < n; first += blockSize) {
    const size = Math.min(blockSize, n - first);
    for (let i = 0; i < size; i++) {
      const c = first + i;
      const u = c * m + c;
      const tall = m - c;
      const wide = n - c - 1;
      for (let r = c; r < m; r++) U[c * m + r] = a[r * n + c]!;
      addRows(U, first * m + c, m, i, -1, Y, c, n, U, u, tall);
      addRows(X, c, m, i, -1, V, first * n + c, n, U, u, tall);
      d[c] = reflect(U, u, tall, left.taus, c);
      if (wide === 0) break;

      // y = τ (A − U Yᵀ − X Vᵀ)ᵀ u
      const y = i * n + c + 1;
      Y.fill(0, y, y + wide);
      addRows(a, c * n + c + 1, n, tall, 1, U, u, 1, Y, y, wide);
      rowsTimesVector(U, first * m + c, m, i, U, u, tall, t, 0);
      addRows(Y, c + 1, n, i, -1, t, 0, 1, Y, y, wide);
      rowsTimesVector(X, c, m, i, U, u, tall, t, 0);
      addRows(V, first * n + c + 1, n, i, -1, t, 0, 1, Y, y, wide);
      scaleRow(Y, y, wide, left.taus[c]!);

      const v = c * n + c + 1;
      for (let j = 0; j < wide; j++) V[v + j] = a[v + j]!;
      addRows(Y, c + 1, n, i + 1, -1, U, first * m + c, m, V, v, wide);
      addRows(V, first * n + c + 1, n, i, -1, X, c, m, V, v, wide);
      e[c] = reflect(V, v, wide, right.taus, c);

      // x = τ (A − U Yᵀ − X Vᵀ) v
      const x = i * m + c + 1;
      rowsTimesVector(a, (c + 1) * n + c + 1, n, tall - 1, V, v, wide, X, x);
      rowsTimesVector(Y, c + 1, n, i + 1, V, v, wide, t, 0);
      addRows(U, first * m + c + 1, m, i + 1, -1, t, 0, 1, X, x, tall - 1);
      rowsTimesVector(V, first * n + c + 1, n, i, V, v, wide, t, 0);
      addRows(X, c + 1, m, i, -1, t, 0, 1, X, x, tall - 1);
      scaleRow(X, x, tall - 1, right.taus[c]!);
    }
    const next = first + size;
    const at = next * n + next;
    if (next === n) break;
    addProduct(
      m - next,
      n - next,
      size,
      -1,
      transposed(block(U, first * m + next, m)),
      block(Y, next, n),
      a,
      at,
      n,
    );
    addProduct(
      m - next,
      n - next,
      size,
      -1,
      transposed(block(X, next, m)),
      block(V, first * n + next, n),
      a,
      at,
      n,
    );
  }
  return { diagonal: d, superdiagonal: e, left, right };
}

function scaleRow(values: Float64Array, offset: number, length: number, factor: number): void {
  for (let j = offset; j < offset + length; j++) values[j]! *= factor;
}
