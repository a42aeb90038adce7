/**
 * Least squares: by QR where the columns are independent, by the singular value decomposition where they are not.
 *
 * @module
 */
import { ArgumentError } from '../errors.ts';
import { withArena } from './arena.ts';
import { checkFinite, multiply } from './matrix.ts';
import type { Matrix } from './matrix.ts';
import { scaled, unitExponent, unscale } from './power-of-two.ts';
import { triangularise } from './qr.ts';
import { applyReflectors } from './reflectors.ts';
import { substitute } from './solve-triangular.ts';
import { svd } from './svd.ts';

/** Options of {@link lstsq}. */
export interface LstsqOptions {
  /**
   * Singular values up to `tolerance` times the largest count as zero. Default max(m, n) · 2⁻⁵², as NumPy's.
   */
  readonly tolerance?: number;
}

/** What {@link lstsq} returns. */
export interface Lstsq {
  /** `[n, k]`: of the x that minimise ‖a x − b‖ per column, the one of least norm. */
  readonly x: Matrix;
  /** How many singular values of `a` count as not zero. */
  readonly rank: number;
}

// R's condition, estimated by its diagonal, may be 2^(n−1) times too small in theory and ten times in practice.
const safety = 1e4;

/**
 * The least-squares solution of `a x = b`.
 *
 * @param a `[m, n]`, any shape and rank
 * @param b `[m, k]`
 * @throws ArgumentError where shapes do not fit or the tolerance is not in [0, 1); NonFiniteError for NaN or infinity.
 *
 * @example
 * import { lstsq, matrix } from '@ockham/core/linalg';
 *
 * const { x } = lstsq(matrix(3, 2, [1, 0, 1, 1, 1, 2]), matrix(3, 1, [1, 3, 5])); // 1, 2
 */
export function lstsq(a: Matrix, b: Matrix, options: LstsqOptions = {}): Lstsq {
  checkFinite('linalg.lstsq', 'a', a);
  checkFinite('linalg.lstsq', 'b', b);
  const { tolerance = Math.max(a.rows, a.columns) * Number.EPSILON } = options;
  if (b.rows !== a.rows) {
    throw new ArgumentError(
      `linalg.lstsq: b must have ${a.rows} rows, as a has, got [${b.rows}, ${b.columns}].`,
    );
  }
  if (!(tolerance >= 0 && tolerance < 1)) {
    throw new ArgumentError(`linalg.lstsq: tolerance must be in [0, 1), got ${tolerance}.`);
  }
  return independent(a, b, tolerance) ?? leastNorm(a, b, tolerance);
}

/** By QR, or nothing where R's diagonal comes anywhere near the tolerance. */
function independent(a: Matrix, b: Matrix, tolerance: number): Lstsq | undefined {
  const { rows: m, columns: n } = a;
  if (m < n) return undefined;
  const aExponent = unitExponent(a.values);
  const bExponent = unitExponent(b.values);
  const numbers = 2 * m * n + (m + n) * b.columns + 64 * (32 + n + b.columns);
  return withArena(numbers, () => {
    const R = scaled(a.values, aExponent);
    const reflectors = triangularise(R, m, n);
    let least = Infinity;
    let most = 0;
    for (let i = 0; i < n; i++) {
      const size = Math.abs(R[i * n + i]!);
      least = Math.min(least, size);
      most = Math.max(most, size);
    }
    if (!(least > safety * Math.max(tolerance, Number.EPSILON) * most)) return undefined;
    const x = scaled(b.values, bExponent);
    applyReflectors(reflectors, x, b.columns, 0, { transpose: true });
    substitute(R, n, n, x, b.columns, {});
    const values = x.slice(0, n * b.columns);
    unscale('linalg.lstsq', 'x', values, bExponent - aExponent);
    return { x: { rows: n, columns: b.columns, values }, rank: n };
  });
}

function leastNorm(a: Matrix, b: Matrix, tolerance: number): Lstsq {
  const aExponent = unitExponent(a.values);
  const bExponent = unitExponent(b.values);
  const { u, s, v } = svd({ ...a, values: scaled(a.values, aExponent) });
  const rank = s.findIndex((value) => !(value > tolerance * s[0]!));
  const kept = rank === -1 ? s.length : rank;
  const c = multiply(u, { ...b, values: scaled(b.values, bExponent) }, { transposeA: true }); // [k, columns of b]
  const k = b.columns;
  for (let i = 0; i < s.length; i++) {
    for (let j = i * k; j < (i + 1) * k; j++) c.values[j] = i < kept ? c.values[j]! / s[i]! : 0;
  }
  const x = multiply(v, c);
  unscale('linalg.lstsq', 'x', x.values, bExponent - aExponent);
  return { x, rank: kept };
}
