import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  cholesky,
  choleskySolve,
  eigh,
  identity,
  matrix,
  multiply,
  qr,
  singularValues,
  svd,
  transpose,
  type Matrix,
} from '@ockham/core/linalg';
import { Random } from '@ockham/core/random';
import { compose, fill, gaussian, orthogonalityError, relativeError } from './linalg-matrices.ts';

const bound = 1e-12;
const seed = fc.integer({ min: 0, max: 1e6 });
const size = fc.integer({ min: 1, max: 70 });

/** A matrix of random shape with what makes factorisations hard: low rank, equal numbers, zeros, far scales. */
const anyMatrix = fc
  .record({
    m: size,
    n: size,
    rank: size,
    seed,
    kind: fc.constantFrom('dense', 'low rank', 'digits', 'sparse', 'graded'),
  })
  .map(({ m, n, rank, seed: s, kind }): Matrix => {
    const random = new Random(s);
    if (kind === 'low rank') return multiply(gaussian(m, rank, s), gaussian(rank, n, s + 1));
    if (kind === 'digits') return fill(m, n, () => random.integer(3) - 1);
    if (kind === 'sparse') return fill(m, n, () => (random.uniform() < 0.1 ? random.normal() : 0));
    if (kind === 'graded') return fill(m, n, (i, j) => random.normal() * 10 ** ((-12 * (i + j)) / (m + n)));
    return gaussian(m, n, s);
  });

it('multiply equals the sum of products, whatever is transposed', () => {
  fc.assert(
    fc.property(size, size, size, fc.boolean(), fc.boolean(), seed, (m, n, k, transposeA, transposeB, s) => {
      const a = gaussian(m, k, s);
      const b = gaussian(k, n, s + 1);
      const wanted = fill(m, n, (i, j) => {
        let sum = 0;
        for (let p = 0; p < k; p++) sum += a.values[i * k + p]! * b.values[p * n + j]!;
        return sum;
      });
      const got = multiply(transposeA ? transpose(a) : a, transposeB ? transpose(b) : b, {
        transposeA,
        transposeB,
      });
      expect([got.rows, got.columns]).toEqual([m, n]);
      expect(relativeError(wanted, got)).toBeLessThan(1e-14);
    }),
  );
});

it('multiply carries NaN and infinity to the row and column they belong to, across blocks', () => {
  fc.assert(
    fc.property(fc.nat(69), fc.nat(299), fc.constantFrom(Number.NaN, Infinity), (row, inner, value) => {
      const a = matrix(70, 300, new Float64Array(21000).fill(1));
      a.values[row * 300 + inner] = value;
      const { values } = multiply(a, matrix(300, 5, new Float64Array(1500).fill(1)));
      values.forEach((got, at) => expect(got).toBe(Math.floor(at / 5) === row ? value : 300));
    }),
    { numRuns: 20 },
  );
});

it('svd composes, is orthonormal and sorted, and keeps its values under transposition', () => {
  fc.assert(
    fc.property(anyMatrix, (a) => {
      const { u, s, v } = svd(a);
      expect(relativeError(a, compose(u, s, v))).toBeLessThan(bound);
      expect(orthogonalityError(u)).toBeLessThan(bound);
      expect(orthogonalityError(v)).toBeLessThan(bound);
      const turned = singularValues(transpose(a));
      s.forEach((value, i) => {
        expect(value).toBeGreaterThanOrEqual(s[i + 1] ?? 0);
        expect(Math.abs(value - turned[i]!)).toBeLessThanOrEqual(bound * s[0]!);
      });
    }),
    { numRuns: 150 },
  );
});

const entries = {
  normal: (random: Random) => random.normal(),
  digits: (random: Random) => random.integer(3) - 1,
  ones: () => 1,
  'nearly ones': (random: Random) => 1 + 1e-15 * random.normal(),
  'two sizes': (random: Random) => (random.uniform() < 0.5 ? 1 : 1e-8),
  'rounding and numbers': (random: Random) => (random.uniform() < 0.5 ? 1e-17 : 1) * random.normal(),
  'mostly zero': (random: Random) => (random.uniform() < 0.3 ? random.normal() : 0),
  'down to 1e-16': (random: Random) => 10 ** (-16 * random.uniform()),
  'down to 1e-200': (random: Random) => 10 ** (-200 * random.uniform()),
};
const kind = fc.constantFrom(...(Object.keys(entries) as (keyof typeof entries)[]));

it('svd and eigh hold for bidiagonal and tridiagonal matrices whose numbers vanish, repeat or cluster', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 120 }), kind, kind, seed, (n, onDiagonal, beside, s) => {
      const random = new Random(s);
      const d = Float64Array.from({ length: n }, () => entries[onDiagonal](random));
      const e = Float64Array.from({ length: n }, () => entries[beside](random));
      const b = fill(n, n, (i, j) => (i === j ? d[i]! : j === i + 1 ? e[i]! : 0));
      const { u, s: values, v } = svd(b);
      expect(relativeError(b, compose(u, values, v))).toBeLessThan(bound);
      expect(orthogonalityError(u)).toBeLessThan(bound);
      expect(orthogonalityError(v)).toBeLessThan(bound);
      const alone = singularValues(b);
      values.forEach((value, i) =>
        expect(Math.abs(value - alone[i]!)).toBeLessThanOrEqual(bound * values[0]!),
      );
      const t = fill(n, n, (i, j) => (i > j ? b.values[j * n + i]! : b.values[i * n + j]!));
      const { values: roots, vectors } = eigh(t);
      expect(relativeError(t, compose(vectors, roots, vectors))).toBeLessThan(bound);
      expect(orthogonalityError(vectors)).toBeLessThan(bound);
    }),
    { numRuns: 150 },
  );
});

it('qr composes, is orthonormal, and keeps R where Q turns the matrix', () => {
  fc.assert(
    fc.property(anyMatrix, fc.constantFrom('thin' as const, 'full' as const), (a, mode) => {
      const { q, r } = qr(a, { mode });
      expect(relativeError(a, multiply(q, r))).toBeLessThan(bound);
      expect(orthogonalityError(q)).toBeLessThan(bound);
    }),
    { numRuns: 150 },
  );
});

it('eigh composes, is orthonormal and sorted, and shifts with the matrix', () => {
  fc.assert(
    fc.property(anyMatrix, fc.double({ min: -3, max: 3, noNaN: true }), (b, shift) => {
      const n = Math.min(b.rows, b.columns);
      const a = fill(n, n, (i, j) => b.values[i * b.columns + j]! + b.values[j * b.columns + i]!);
      const { values, vectors } = eigh(a);
      expect(relativeError(a, compose(vectors, values, vectors))).toBeLessThan(bound);
      expect(orthogonalityError(vectors)).toBeLessThan(bound);
      const moved = eigh(fill(n, n, (i, j) => a.values[i * n + j]! + (i === j ? shift : 0))).values;
      const scale = Math.max(1, Math.abs(values[0]!), Math.abs(values[n - 1]!));
      values.forEach((value, i) => {
        expect(value).toBeLessThanOrEqual(values[i + 1] ?? Infinity);
        expect(Math.abs(value + shift - moved[i]!)).toBeLessThanOrEqual(bound * scale);
      });
    }),
    { numRuns: 150 },
  );
});

it('cholesky composes, and its solution inverts', () => {
  fc.assert(
    fc.property(size, seed, (n, s) => {
      const b = gaussian(n, n, s);
      const gram = multiply(b, b, { transposeB: true });
      const a = fill(n, n, (i, j) => gram.values[i * n + j]! + (i === j ? 1 : 0));
      const l = cholesky(a);
      expect(relativeError(a, multiply(l, l, { transposeB: true }))).toBeLessThan(bound);
      expect(relativeError(identity(n), multiply(a, choleskySolve(l, identity(n))))).toBeLessThan(1e-10);
    }),
    { numRuns: 60 },
  );
});
