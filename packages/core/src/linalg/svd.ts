/**
 * Singular value decomposition: Householder bidiagonalisation, divide and conquer on the bidiagonal matrix (Gu and
 * Eisenstat 1995), the vectors turned back in blocks. A matrix much taller than wide is reduced by QR first
 * (Chan 1982); a wide one is transposed.
 *
 * Deviation from LAPACK: the sign of each pair is fixed, so that the result depends on the matrix only.
 */
import { ArgumentError } from '../errors.ts';
import { reserve, withArena } from './arena.ts';
import { bidiagonalQr } from './bidiagonal-qr.ts';
import { bidiagonalise } from './bidiagonalise.ts';
import { bidiagonalSvd } from './bidiagonal-svd.ts';
import { checkFinite, transpose } from './matrix.ts';
import type { Matrix } from './matrix.ts';
import { scaled, unitExponent, unscale } from './power-of-two.ts';
import { triangularise } from './qr.ts';
import { applyReflectors } from './reflectors.ts';
import type { Reflectors } from './reflectors.ts';

/** Options of {@link svd}. */
export interface SvdOptions {
  /** Keep only this many of the largest singular values and their vectors, 1 to min(m, n). Default: all. */
  readonly rank?: number;
}

/** A thin decomposition `a = u diag(s) vᵀ` of a matrix `[m, n]`, with k = min(m, n) or the rank asked for. */
export interface Svd {
  /** `[m, k]`, orthonormal columns; the largest element of each by size is positive, the first of equals. */
  readonly u: Matrix;
  /** `[k]`, falling, not negative. */
  readonly s: Float64Array;
  /** `[n, k]`, orthonormal columns. */
  readonly v: Matrix;
}

// Chan's break-even for U and V lies near m = 5/3 n; below it the detour over R costs more than it saves.
const tallRatio = 5 / 3;

/**
 * The thin singular value decomposition of a matrix `[m, n]` of any shape and rank. Singular values are right to a few
 * roundings of the largest one, vectors orthonormal to rounding. For a few values of a large matrix
 * {@link randomisedSvd} is faster.
 *
 * @throws ArgumentError for a shape that does not fit or a rank out of range; NonFiniteError for NaN or infinity in
 *   `a`.
 *
 * @example
 * import { matrix, svd } from '@ockham/core/linalg';
 *
 * const { u, s, v } = svd(matrix(3, 2, [1, 2, 3, 4, 5, 6])); // s: 9.5255, 0.5143
 */
export function svd(a: Matrix, options: SvdOptions = {}): Svd {
  checkFinite('linalg.svd', 'a', a);
  const k = Math.min(a.rows, a.columns);
  const { rank = k } = options;
  checkRank('linalg.svd', rank, k);
  if (a.rows < a.columns) {
    const { u, s, v } = decompose(transpose(a), rank);
    fixSigns(v, u);
    return { u: v, s, v: u };
  }
  const made = decompose(a, rank);
  fixSigns(made.u, made.v);
  return made;
}

/**
 * The singular values of a matrix, falling, without vectors: several times faster than {@link svd}.
 *
 * @throws as {@link svd}
 */
export function singularValues(a: Matrix): Float64Array {
  checkFinite('linalg.singularValues', 'a', a);
  const tall = a.rows < a.columns ? transpose(a) : a;
  const { columns: n } = tall;
  const exponent = unitExponent(a.values);
  const { diagonal, superdiagonal } = withArena(reduceNumbers(tall), () => reduce(tall, exponent));
  bidiagonalQr(diagonal, superdiagonal, 0, n, undefined, undefined);
  const s = diagonal.sort().reverse();
  unscale('linalg.singularValues', 'the largest', s, exponent);
  return s;
}

/** @throws ArgumentError where `rank` is not in 1 … k. */
export function checkRank(who: string, rank: number, k: number): void {
  if (!(Number.isInteger(rank) && rank >= 1 && rank <= k)) {
    throw new ArgumentError(
      `${who}: rank must be a whole number in [1, min(m, n)] = [1, ${k}], got ${rank}.`,
    );
  }
}

function decompose(a: Matrix, rank: number): Svd {
  const exponent = unitExponent(a.values);
  const numbers = reduceNumbers(a) + 6 * a.columns ** 2 + (a.rows + a.columns + 64) * rank;
  const { u, s, v } = withArena(numbers, () => decomposeScaled(a, rank, exponent));
  unscale('linalg.svd', 's', s, exponent);
  return { u, s, v };
}

/** How many numbers {@link reduce} takes at most. */
function reduceNumbers({ rows: m, columns: n }: Matrix): number {
  return (m + n) * n + 2 * m * n + 100 * (m + n);
}

function decomposeScaled(a: Matrix, rank: number, exponent: number): Svd {
  const { rows: m, columns: n } = a;
  const { orthogonal, size, diagonal, superdiagonal, left, right } = reduce(a, exponent);
  const small = bidiagonalSvd(diagonal, superdiagonal, 'all');
  const order = Int32Array.from({ length: n }, (_, i) => i)
    .sort((i, j) => small.values[j]! - small.values[i]! || i - j)
    .subarray(0, rank);
  const s = Float64Array.from(order, (i) => small.values[i]!);
  const u = columnsFromRows(small.leftRows, n, order, m);
  applyReflectors(left, size === m ? u : u.subarray(0, size * rank), rank, 0);
  if (orthogonal) applyReflectors(orthogonal, u, rank, 0);
  const v = columnsFromRows(small.rightRows, n, order, n);
  applyReflectors(right, v, rank, 0);
  return {
    u: { rows: m, columns: rank, values: u.slice() },
    s,
    v: { rows: n, columns: rank, values: v.slice() },
  };
}

/** The bidiagonalisation of `a` `[m, n]`, m ≥ n, or of its R where it is tall: then `orthogonal` holds Q. */
function reduce(
  { rows: m, columns: n, values }: Matrix,
  exponent: number,
): ReturnType<typeof bidiagonalise> & { readonly orthogonal?: Reflectors; readonly size: number } {
  const work = scaled(values, exponent);
  if (m < tallRatio * n) return { ...bidiagonalise(work, m, n), size: m };
  const orthogonal = triangularise(work, m, n);
  return { ...bidiagonalise(work.subarray(0, n * n), n, n), orthogonal, size: n };
}

/** Rows `order` of `rows` `[n, n]` as the columns of `[height, order.length]`, zeros below row n. */
export function columnsFromRows(
  rows: Float64Array,
  n: number,
  order: Int32Array,
  height: number,
): Float64Array {
  const k = order.length;
  const columns = reserve(height * k);
  columns.fill(0, n * k);
  for (let j = 0; j < k; j++) {
    const from = order[j]! * n;
    for (let i = 0; i < n; i++) columns[i * k + j] = rows[from + i]!;
  }
  return columns;
}

/** Makes the largest element of each column of `leading` positive, and turns `other` along. */
export function fixSigns(leading: Matrix, other?: Matrix): void {
  const { columns: k, values } = leading;
  const largest = new Float64Array(k);
  for (let at = 0; at < values.length; at += k) {
    for (let j = 0; j < k; j++) {
      if (Math.abs(values[at + j]!) > Math.abs(largest[j]!)) largest[j] = values[at + j]!;
    }
  }
  for (const { values } of other ? [leading, other] : [leading]) {
    for (let at = 0; at < values.length; at += k) {
      for (let j = 0; j < k; j++) if (largest[j]! < 0) values[at + j] = -values[at + j]!;
    }
  }
}
