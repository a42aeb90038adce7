/**
 * QR factorisation by Householder reflectors, in blocks (Golub and Van Loan, Matrix Computations, 5.2).
 *
 * Deviation from LAPACK: R's diagonal is never negative, which makes both factors unique for full column rank.
 *
 * @module
 */
import { ArgumentError } from '../errors.ts';
import { allocate, withArena } from './arena.ts';
import { checkFinite } from './matrix.ts';
import type { Matrix } from './matrix.ts';
import { scaled, unitExponent, unscale } from './power-of-two.ts';
import { applyReflectors, blockSize, makeReflectors, reflect } from './reflectors.ts';
import type { Reflectors } from './reflectors.ts';
import { addOuter, rowsTimesVector } from './row-products.ts';

/** Options of {@link qr}. */
export interface QrOptions {
  /**
   * `thin`: Q is `[m, k]` and R `[k, n]` with k = min(m, n). `full`: Q is `[m, m]` and R `[m, n]`. Default `thin`.
   */
  readonly mode?: 'thin' | 'full';
}

/** What {@link qr} returns: `a = q r`. */
export interface Qr {
  /** Orthonormal columns. */
  readonly q: Matrix;
  /** Upper triangular; no diagonal element is negative. */
  readonly r: Matrix;
}

/**
 * The QR factorisation of a matrix `[m, n]` of any shape and rank. Backward stable: `a` and `q r` differ by a few
 * roundings of a's norm, and q is orthonormal to rounding even where columns depend on each other.
 *
 * @throws ArgumentError for a shape that does not fit; NonFiniteError for NaN or infinity in `a`.
 *
 * @example
 * import { matrix, qr } from '@ockham/core/linalg';
 *
 * const { q, r } = qr(matrix(3, 2, [1, 2, 3, 4, 5, 6]));
 */
export function qr(a: Matrix, options: QrOptions = {}): Qr {
  const { mode = 'thin' } = options;
  checkFinite('linalg.qr', 'a', a);
  if (mode !== 'thin' && mode !== 'full') {
    throw new ArgumentError(`linalg.qr: mode must be thin or full, got ${String(mode)}.`);
  }
  const { rows: m, columns: n } = a;
  const exponent = unitExponent(a.values);
  const k = mode === 'full' ? m : Math.min(m, n);
  const { q, r } = withArena(m * (n + Math.min(m, n) + k) + 64 * (32 + Math.max(n, k)), () => {
    const work = scaled(a.values, exponent);
    const reflectors = triangularise(work, m, n);
    const Q = allocate(m * k);
    for (let i = 0; i < k; i++) Q[i * k + i] = 1;
    applyReflectors(reflectors, Q, k, 0, { triangular: true });
    return { q: Q.slice(), r: work.slice(0, k * n) };
  });
  makeDiagonalPositive(q, r, m, k, n);
  unscale('linalg.qr', 'r', r, exponent);
  return { q: { rows: m, columns: k, values: q }, r: { rows: k, columns: n, values: r } };
}

/** Overwrites `a` `[m, n]` with R, zeros below it, and returns the reflectors whose product is Q. */
export function triangularise(a: Float64Array, m: number, n: number): Reflectors {
  const count = Math.min(m, n);
  const reflectors = makeReflectors(count, m, 0);
  const dots = allocate(blockSize);
  for (let first = 0; first < count; first += blockSize) {
    const size = Math.min(blockSize, count - first);
    factorPanel(a, m, n, first, size, reflectors, dots);
    if (first + size < n) {
      applyReflectors(reflectors, a, n, first + size, { transpose: true, from: first, to: first + size });
    }
  }
  return reflectors;
}

/** Factors columns `first … first + size − 1`, which lie as rows in `vectors` meanwhile. */
function factorPanel(
  a: Float64Array,
  m: number,
  n: number,
  first: number,
  size: number,
  { vectors, taus }: Reflectors,
  dots: Float64Array,
): void {
  for (let i = first; i < m; i++) {
    for (let j = 0; j < size; j++) {
      vectors[(first + j) * m + i] = a[i * n + first + j]!;
      a[i * n + first + j] = 0;
    }
  }
  for (let j = 0; j < size; j++) {
    const c = first + j;
    const x = c * m + c;
    const beta = reflect(vectors, x, m - c, taus, c);
    const left = size - j - 1;
    rowsTimesVector(vectors, x + m, m, left, vectors, x, m - c, dots, 0);
    addOuter(vectors, x + m, m, left, -taus[c]!, dots, 0, vectors, x, m - c);
    for (let i = first; i < c; i++) {
      a[i * n + c] = vectors[c * m + i]!;
      vectors[c * m + i] = 0;
    }
    a[c * n + c] = beta;
  }
}

/** Turns rows of `r` `[k, n]` and columns of `q` `[m, k]` so that no diagonal element of r is negative. */
export function makeDiagonalPositive(
  q: Float64Array,
  r: Float64Array,
  m: number,
  k: number,
  n: number,
): void {
  const signs = new Float64Array(k).fill(1);
  for (let i = 0; i < Math.min(k, n); i++) {
    if (r[i * n + i]! >= 0) continue;
    signs[i] = -1;
    for (let j = i * n + i; j < (i + 1) * n; j++) r[j] = -r[j]!;
  }
  for (let i = 0, at = 0; i < m; i++) {
    for (let j = 0; j < k; j++, at++) q[at]! *= signs[j]!;
  }
}
