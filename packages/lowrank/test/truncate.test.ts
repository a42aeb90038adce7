import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError, NonFiniteError } from '@ockham/core';
import { matrix, multiply, singularValues, type Matrix } from '@ockham/core/linalg';
import { Random } from '@ockham/core/random';
import { truncate } from '@ockham/lowrank';

function gaussian(rows: number, columns: number, seed: number): Matrix {
  const random = new Random(seed);
  return matrix(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, () => random.normal()),
  );
}

function distance(a: Matrix, b: Matrix): number {
  return Math.hypot(...a.values.map((value, i) => value - b.values[i]!));
}

const norm = (a: Matrix) => Math.hypot(...a.values);

describe('truncate', () => {
  it('misses a matrix by exactly the singular values left out (Eckart and Young)', () => {
    fc.assert(
      fc.property(
        fc.record({
          rows: fc.integer({ min: 1, max: 30 }),
          columns: fc.integer({ min: 1, max: 30 }),
          seed: fc.nat(1e6),
          part: fc.double({ min: 0, max: 1, noNaN: true }),
          scale: fc.constantFrom(1e-8, 1, 1e8),
        }),
        ({ rows, columns, seed, part, scale }) => {
          const a = gaussian(rows, columns, seed);
          for (let i = 0; i < a.values.length; i++) a.values[i]! *= scale;
          const most = Math.min(rows, columns);
          const rank = Math.max(1, Math.round(part * most));
          const { u, v, s, error } = truncate(a, rank);
          const bound = Math.hypot(...singularValues(a).subarray(rank)) / norm(a);
          expect(Math.abs(distance(a, multiply(u, v, { transposeB: true })) / norm(a) - bound)).toBeLessThan(
            1e-10,
          );
          expect(Math.abs(error - bound)).toBeLessThan(1e-10);
          expect(s.length).toBe(rank);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('gives the published example by hand: rank 1 of diag(3, 4) keeps the 4 and misses 3/5', () => {
    const { u, v, error } = truncate(matrix(2, 2, [3, 0, 0, 4]), 1);
    expect([...u.values.map(Math.abs)]).toEqual([0, 2]);
    expect([...v.values.map(Math.abs)]).toEqual([0, 2]);
    expect(error).toBeCloseTo(0.6, 14);
  });

  it('splits the singular values evenly: uᵀu = vᵀv = diag(s)', () => {
    const { u, v, s } = truncate(gaussian(9, 7, 3), 4);
    const diagonal = matrix(4, 4);
    for (let i = 0; i < 4; i++) diagonal.values[i * 5] = s[i]!;
    for (const side of [u, v])
      expect(distance(multiply(side, side, { transposeA: true }), diagonal)).toBeLessThan(1e-12);
  });

  it('finds a matrix of low rank by the randomised decomposition, with the same bits for the same seed', () => {
    const a = multiply(gaussian(60, 5, 1), gaussian(5, 40, 2));
    const first = truncate(a, 5, { seed: 7 });
    expect(first.error).toBeLessThan(1e-12);
    expect(truncate(a, 5, { seed: 7 }).u.values).toEqual(first.u.values);
  });

  it('takes a matrix of zeros, one row and one column', () => {
    expect(truncate(matrix(3, 2), 1)).toMatchObject({ error: 0 });
    expect(truncate(matrix(1, 4, [1, 2, 3, 4]), 1).error).toBeLessThan(1e-15);
    expect(truncate(matrix(4, 1, [1, 2, 3, 4]), 1).error).toBeLessThan(1e-15);
  });

  it('refuses ranks out of range and weights that are not finite', () => {
    for (const rank of [0, 3, 1.5, NaN]) expect(() => truncate(matrix(2, 4), rank)).toThrow(ArgumentError);
    expect(() => truncate(matrix(2, 4), 128)).toThrow(/\[1, min\(m, n\)\] = \[1, 2\], got 128/);
    expect(() => truncate(matrix(1, 2, [1, NaN]), 1)).toThrow(NonFiniteError);
  });
});
