import { identity, matrix, multiply, transpose, type Matrix } from '@ockham/core/linalg';
import { Random } from '@ockham/core/random';

/** The matrices of fixtures/linalg.py, to the bit. */
export function woven(m: number, n: number): Matrix {
  return fill(m, n, (i, j) => (((7 * i + 13 * j + i * j) % 17) - 8) / (1 + Math.abs(i - j)));
}

export function hilbert(n: number): Matrix {
  return fill(n, n, (i, j) => 1 / (i + j + 1));
}

export function graded(n: number): Matrix {
  const a = woven(n, n);
  return fill(n, n, (i, j) => a.values[i * n + j]! * 2 ** -Math.floor((40 * i) / n));
}

export function symmetric(n: number): Matrix {
  const a = woven(n, n);
  return add(a, transpose(a));
}

export function definite(n: number): Matrix {
  const a = woven(n, n);
  return add(multiply(a, a, { transposeB: true }), identity(n));
}

export function gaussian(m: number, n: number, seed: number): Matrix {
  const random = new Random(seed);
  return fill(m, n, () => random.normal());
}

export function fill(m: number, n: number, f: (i: number, j: number) => number): Matrix {
  return matrix(
    m,
    n,
    Float64Array.from({ length: m * n }, (_, at) => f(Math.floor(at / n), at % n)),
  );
}

export function times(a: Matrix, factor: number): Matrix {
  return { ...a, values: a.values.map((value) => value * factor) };
}

function add(a: Matrix, b: Matrix): Matrix {
  return { ...a, values: a.values.map((value, i) => value + b.values[i]!) };
}

/** The product u diag(s) vᵀ. */
export function compose(u: Matrix, s: Float64Array, v: Matrix): Matrix {
  return multiply(
    fill(u.rows, u.columns, (i, j) => u.values[i * u.columns + j]! * s[j]!),
    v,
    {
      transposeB: true,
    },
  );
}

/** ‖a − b‖ / ‖a‖ in the Frobenius norm; the norm itself where a is zero. */
export function relativeError(a: Matrix, b: Matrix): number {
  const size = norm(a.values);
  return norm(a.values.map((value, i) => value - b.values[i]!)) / (size || 1);
}

/** ‖qᵀq − I‖ in the Frobenius norm. */
export function orthogonalityError(q: Matrix): number {
  const gram = multiply(q, q, { transposeA: true });
  return norm(gram.values.map((value, at) => value - (at % (q.columns + 1) === 0 ? 1 : 0)));
}

export function norm(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}
