import { describe, expect, it } from 'vitest';
import {
  cholesky,
  choleskySolve,
  eigh,
  identity,
  lstsq,
  matrix,
  multiply,
  qr,
  randomisedSvd,
  singularValues,
  solveTriangular,
  svd,
  transpose,
  type Matrix,
} from '@ockham/core/linalg';
import { Random } from '@ockham/core/random';
import numpy from './fixtures/linalg.json' with { type: 'json' };
import {
  compose,
  definite,
  fill,
  gaussian,
  graded,
  hilbert,
  norm,
  orthogonalityError,
  relativeError,
  symmetric,
  times,
  woven,
} from './linalg-matrices.ts';

const bound = 1e-12;

function named(name: string): Matrix {
  const [kind, m, n] = name.split(' ');
  if (kind === 'hilbert') return hilbert(Number(m));
  return kind === 'graded' ? graded(Number(m)) : woven(Number(m), Number(n));
}

function expectClose(got: Float64Array, wanted: readonly number[], tolerance = bound): void {
  expect(got).toHaveLength(wanted.length);
  const scale = Math.max(...wanted.map(Math.abs));
  got.forEach((value, i) => expect(Math.abs(value - wanted[i]!)).toBeLessThanOrEqual(tolerance * scale));
}

const shapes: readonly (readonly [string, Matrix])[] = [
  ['one number', matrix(1, 1, [-3])],
  ['one row', woven(1, 40)],
  ['one column', woven(40, 1)],
  ['zero', matrix(50, 40)],
  ['identity', identity(70)],
  ['tall', gaussian(200, 30, 1)],
  ['wide', gaussian(30, 200, 2)],
  ['just taller than wide', gaussian(81, 80, 3)],
  ['rank 3', multiply(gaussian(90, 3, 4), gaussian(3, 80, 5))],
  ['all ones', fill(70, 70, () => 1)],
  ['two equal columns', fill(60, 50, (i, j) => (((i * 7 + (j === 49 ? 0 : j) * 5) % 13) - 6) / 3)],
  ['repeated singular values', fill(60, 60, (i, j) => (i === j ? 1 + (i % 3) : 0))],
  ['an orthogonal matrix', qr(gaussian(64, 64, 6)).q],
  ['a nilpotent shift', fill(60, 60, (i, j) => (j === i + 1 ? 1 : 0))],
  ['a Jordan block', fill(60, 60, (i, j) => (i === j || j === i + 1 ? 1 : 0))],
  ['a small value before two equal ones', matrix(3, 3, [7e-9, -1, 0, 0, 1, 7e-9, 0, 0, Math.SQRT2])],
  ['the Hilbert matrix', hilbert(60)],
  ['graded rows', graded(60)],
  ['graded columns', transpose(graded(60))],
  ['columns down to 1e-300', fill(40, 40, (i, j) => (((i * j) % 7) - 3) * 10 ** (-7.5 * j))],
];

describe.each(shapes)('of %s', (_, a) => {
  const { rows: m, columns: n } = a;
  const k = Math.min(m, n);

  it('svd composes to the matrix, with orthonormal vectors and falling values', () => {
    const { u, s, v } = svd(a);
    expect([u.rows, u.columns, s.length, v.rows, v.columns]).toEqual([m, k, k, n, k]);
    expect(relativeError(a, compose(u, s, v))).toBeLessThan(bound);
    expect(orthogonalityError(u)).toBeLessThan(bound);
    expect(orthogonalityError(v)).toBeLessThan(bound);
    expect(s.every((value, i) => value >= 0 && (i === 0 || value <= s[i - 1]!))).toBe(true);
    expectClose(singularValues(a), [...s]);
  });

  it.each(['thin', 'full'] as const)('%s qr composes to the matrix', (mode) => {
    const { q, r } = qr(a, { mode });
    const columns = mode === 'thin' ? k : m;
    expect([q.rows, q.columns, r.rows, r.columns]).toEqual([m, columns, columns, n]);
    expect(relativeError(a, multiply(q, r))).toBeLessThan(bound);
    expect(orthogonalityError(q)).toBeLessThan(bound);
    expect(r.values.every((value, at) => at % n >= Math.floor(at / n) || value === 0)).toBe(true);
    for (let i = 0; i < Math.min(columns, n); i++) expect(r.values[i * n + i]).toBeGreaterThanOrEqual(0);
  });

  it('eigh of its Gram matrix composes to it, with orthonormal vectors and rising values', () => {
    const gram = multiply(a, a, { transposeA: true });
    const { values, vectors } = eigh(gram);
    expect(relativeError(gram, compose(vectors, values, vectors))).toBeLessThan(bound);
    expect(orthogonalityError(vectors)).toBeLessThan(bound);
    expect(values.every((value, i) => i === 0 || value >= values[i - 1]!)).toBe(true);
  });
});

describe('beside LAPACK', () => {
  it.each(Object.entries(numpy.singularValues))('the singular values of %s agree', (name, wanted) => {
    expectClose(svd(named(name)).s, wanted);
    expectClose(singularValues(named(name)), wanted);
  });

  it.each(Object.entries(numpy.eigenvalues))(
    'the eigenvalues of a symmetric matrix of order %s agree',
    (n, wanted) => {
      expectClose(eigh(symmetric(Number(n))).values, wanted);
    },
  );

  it.each(Object.entries(numpy.r))('R of %s agrees, its diagonal made positive', (shape, wanted) => {
    const [m, n] = shape.split(' ').map(Number);
    expectClose(qr(woven(m!, n!)).r.values, wanted);
  });

  it.each(Object.entries(numpy.cholesky))('the Cholesky factor of order %s agrees', (n, wanted) => {
    expectClose(cholesky(definite(Number(n))).values, wanted);
  });

  it('least squares agree, also where only the least norm makes them unique', () => {
    expectClose(lstsq(woven(12, 4), woven(12, 2)).x.values, numpy.lstsq);
    const deficient = lstsq(multiply(woven(12, 3), woven(3, 7)), woven(12, 2));
    expect(deficient.rank).toBe(3);
    expectClose(deficient.x.values, numpy.lstsqDeficient, 1e-11);
  });
});

it('svd and qr of 512 × 512 stay below 1e-12', () => {
  const a = gaussian(512, 512, 7);
  const { u, s, v } = svd(a);
  expect(relativeError(a, compose(u, s, v))).toBeLessThan(bound);
  expect(orthogonalityError(u)).toBeLessThan(bound);
  expect(orthogonalityError(v)).toBeLessThan(bound);
  const { q, r } = qr(a);
  expect(relativeError(a, multiply(q, r))).toBeLessThan(bound);
  expect(orthogonalityError(q)).toBeLessThan(bound);
});

describe('scales', () => {
  const a = gaussian(40, 40, 8);

  it('a huge matrix and a tiny one have the vectors of an ordinary one, to the bit', () => {
    const plain = svd(a);
    for (const exponent of [990, -990]) {
      const scaled = svd(times(a, 2 ** exponent));
      expect(scaled.u.values).toEqual(plain.u.values);
      expect(scaled.v.values).toEqual(plain.v.values);
      expect(scaled.s).toEqual(plain.s.map((value) => value * 2 ** exponent));
      expect(qr(times(a, 2 ** exponent)).q).toEqual(qr(a).q);
    }
  });

  it('subnormal numbers are as good as others', () => {
    const tiny = times(
      fill(30, 30, (i, j) => ((i * j) % 11) - 5),
      Number.MIN_VALUE,
    );
    const same = fill(30, 30, (i, j) => ((i * j) % 11) - 5);
    expect(relativeError(svd(same).u, svd(tiny).u)).toBeLessThan(1e-15);
    expect(orthogonalityError(qr(tiny).q)).toBeLessThan(bound);
  });

  it('1e300 and 1e-300 factorise and solve', () => {
    const positive = definite(40);
    for (const factor of [1e300, 1e-300]) {
      expect(eigh(times(positive, factor)).values[39]! / factor).toBeCloseTo(eigh(positive).values[39]!, 8);
      const l = cholesky(times(positive, factor));
      expect(relativeError(times(cholesky(positive), Math.sqrt(factor)), l)).toBeLessThan(bound);
      const { x } = lstsq(times(a, factor), times(a, factor));
      expect(relativeError(identity(40), x)).toBeLessThan(1e-10);
      expectClose(
        svd(times(a, factor)).s.map((value) => value / factor),
        [...svd(a).s],
      );
    }
  });

  it('a factor beyond the largest number is refused, not infinite', () => {
    const edge = fill(4, 4, () => 1.7e308);
    for (const run of [() => svd(edge), () => singularValues(edge), () => qr(edge), () => eigh(edge)]) {
      expect(run).toThrow(/must stay below 1\.8e308.*Divide/s);
    }
  });
});

describe('results are settled', () => {
  it('the same matrix gives the same bits, and is left as it was', () => {
    const a = woven(60, 45);
    const before = a.values.slice();
    expect(svd(a)).toEqual(svd(a));
    qr(a);
    lstsq(a, a);
    expect(a.values).toEqual(before);
    const b = definite(40);
    const whole = b.values.slice();
    eigh(b);
    cholesky(b);
    expect(b.values).toEqual(whole);
  });

  it('the largest element of each left vector is positive, in tall and wide matrices', () => {
    for (const a of [gaussian(40, 30, 1), gaussian(30, 40, 1)]) {
      const { u } = svd(a);
      for (let j = 0; j < u.columns; j++) {
        const column = Array.from({ length: u.rows }, (_, i) => u.values[i * u.columns + j]!);
        expect(Math.max(...column)).toBe(Math.max(...column.map(Math.abs)));
      }
    }
  });

  it('a rank keeps the leading part of the whole decomposition', () => {
    const a = gaussian(50, 40, 2);
    const whole = svd(a);
    const { u, s, v } = svd(a, { rank: 5 });
    expect([u.columns, s.length, v.columns]).toEqual([5, 5, 5]);
    expect(s).toEqual(whole.s.slice(0, 5));
    expect(u.values[7 * 5 + 3]).toBeCloseTo(whole.u.values[7 * 40 + 3]!, 13);
  });
});

describe('randomisedSvd', () => {
  const exact = multiply(gaussian(120, 12, 1), gaussian(12, 90, 2));

  it('is exact where the rank is not above what it samples', () => {
    const { u, s, v } = randomisedSvd(exact, 12, { seed: 7 });
    expect(relativeError(exact, compose(u, s, v))).toBeLessThan(bound);
    expect(orthogonalityError(u)).toBeLessThan(bound);
    expectClose(s, [...svd(exact, { rank: 12 }).s]);
  });

  it('comes nearer the best approximation with power iterations', () => {
    const a = fill(100, 100, (i, j) => (i === j ? 1 / (1 + i) : 0));
    const best = norm(Float64Array.from({ length: 90 }, (_, i) => 1 / (11 + i)));
    const excess = [0, 1, 4].map((powerIterations) => {
      const { u, s, v } = randomisedSvd(a, 10, { seed: 7, oversampling: 5, powerIterations });
      return (relativeError(a, compose(u, s, v)) * norm(a.values)) / best - 1;
    });
    expect(excess[0]).toBeGreaterThan(excess[1]!);
    expect(excess[1]).toBeGreaterThan(excess[2]!);
    expect(excess[2]).toBeLessThan(1e-3);
  });

  it('gives the same bits for the same seed, from a number or a stream, and others for another', () => {
    const a = gaussian(60, 50, 3);
    const once = randomisedSvd(a, 4, { seed: 7, powerIterations: 0 });
    expect(randomisedSvd(a, 4, { seed: new Random(7), powerIterations: 0 })).toEqual(once);
    expect(randomisedSvd(a, 4, { seed: 8, powerIterations: 0 }).s).not.toEqual(once.s);
  });

  it('takes one row, a rank as large as the matrix, and zeros', () => {
    expect(randomisedSvd(woven(1, 9), 1, { seed: 1 }).s[0]).toBeCloseTo(norm(woven(1, 9).values), 12);
    expectClose(randomisedSvd(woven(9, 9), 9, { seed: 1 }).s, [...svd(woven(9, 9)).s]);
    const { u, s } = randomisedSvd(matrix(20, 30), 2, { seed: 1 });
    expect([...s]).toEqual([0, 0]);
    expect(orthogonalityError(u)).toBeLessThan(bound);
  });
});

describe('solvers', () => {
  const b = gaussian(75, 3, 9);

  it.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])('solveTriangular with lower %s, transpose %s reads its own triangle only', (lower, transposed) => {
    const own = fill(75, 75, (i, j) => (i === j ? 3 + (i % 5) : i > j === lower ? ((i * j) % 7) / 70 : 0));
    const filled = fill(75, 75, (i, j) => (i === j || i > j === lower ? own.values[i * 75 + j]! : 1e9));
    const x = solveTriangular(filled, b, { lower, transpose: transposed });
    expect(relativeError(b, multiply(own, x, { transposeA: transposed }))).toBeLessThan(bound);
  });

  it('choleskySolve solves with the factor', () => {
    const a = definite(75);
    expect(relativeError(b, multiply(a, choleskySolve(cholesky(a), b)))).toBeLessThan(1e-10);
  });

  it('cholesky reads the lower triangle only', () => {
    const a = definite(40);
    const half = fill(40, 40, (i, j) => (j <= i ? a.values[i * 40 + j]! : 1e9));
    expect(cholesky(half)).toEqual(cholesky(a));
  });

  it('lstsq leaves a residual at right angles to every column', () => {
    const a = gaussian(75, 20, 1);
    const { x, rank } = lstsq(a, b);
    const fitted = multiply(a, x);
    const residual = { ...b, values: b.values.map((value, i) => value - fitted.values[i]!) };
    expect(rank).toBe(20);
    expect(norm(multiply(a, residual, { transposeA: true }).values)).toBeLessThan(1e-11);
  });

  it('lstsq of a wide or zero matrix is the solution of least norm', () => {
    const a = gaussian(5, 20, 1);
    const y = gaussian(5, 2, 2);
    const { x, rank } = lstsq(a, y);
    const wanted = multiply(a, lstsq(multiply(a, a, { transposeB: true }), y).x, { transposeA: true });
    expect(rank).toBe(5);
    expect(relativeError(wanted, x)).toBeLessThan(1e-11);
    const none = lstsq(matrix(4, 3), matrix(4, 1, [1, 2, 3, 4]));
    expect([none.rank, ...none.x.values]).toEqual([0, 0, 0, 0]);
  });
});

describe('refuses at the door', () => {
  const square = matrix(2, 2, [2, 1, 1, 2]);
  const nan = matrix(2, 2, [1, 2, Number.NaN, 4]);
  const calls: readonly (readonly [string, (a: Matrix) => unknown])[] = [
    ['qr', (a) => qr(a)],
    ['svd', (a) => svd(a)],
    ['singularValues', (a) => singularValues(a)],
    ['randomisedSvd', (a) => randomisedSvd(a, 1, { seed: 1 })],
    ['eigh', (a) => eigh(a)],
    ['cholesky', (a) => cholesky(a)],
    ['choleskySolve', (a) => choleskySolve(a, square)],
    ['choleskySolve', (a) => choleskySolve(square, a)],
    ['solveTriangular', (a) => solveTriangular(a, square)],
    ['solveTriangular', (a) => solveTriangular(square, a)],
    ['lstsq', (a) => lstsq(a, square)],
    ['lstsq', (a) => lstsq(square, a)],
  ];

  it.each(calls)('%s: NaN and infinity, and says where', (who, run) => {
    expect(() => run(nan)).toThrow(new RegExp(`^linalg\\.${who}: .*finite, got NaN in row 1, column 0`));
    expect(() => run(matrix(2, 2, [1, 2, 3, -Infinity]))).toThrow(/got -Infinity in row 1, column 1/);
  });

  it.each(calls)('%s: a shape that does not fit the values', (who, run) => {
    expect(() => run({ rows: 2, columns: 3, values: new Float64Array(5) })).toThrow(
      new RegExp(`^linalg\\.${who}: .*2 × 3 = 6 numbers, got 5`),
    );
    expect(() => run({ rows: 0, columns: 3, values: new Float64Array(0) })).toThrow(/from 1, got \[0, 3\]/);
  });

  it('matrix, transpose, multiply: shapes', () => {
    expect(() => matrix(2, 1.5)).toThrow(/whole numbers from 1, got \[2, 1\.5\]/);
    expect(() => matrix(2, 2, [1, 2, 3])).toThrow(/2 × 2 = 4 numbers, got 3/);
    expect(() => transpose({ rows: 1, columns: 2, values: [1, 2] as never })).toThrow(/Float64Array/);
    expect(() => multiply(square, matrix(3, 2))).toThrow(
      /inner sizes must agree, got \[2, 2\] times \[3, 2\]/,
    );
  });

  it('matrices that are not square, and right-hand sides of another height', () => {
    for (const run of [eigh, cholesky]) expect(() => run(woven(2, 3))).toThrow(/square, got \[2, 3\]/);
    expect(() => solveTriangular(woven(2, 3), square)).toThrow(/square/);
    for (const run of [lstsq, solveTriangular, choleskySolve])
      expect(() => run(square, matrix(3, 1))).toThrow(/must have 2 rows.*got \[3, 1\]/);
  });

  it('eigh: a matrix that is not symmetric, within its tolerance', () => {
    const a = symmetric(9);
    a.values[3] = a.values[3]! + 1e-3;
    expect(() => eigh(a)).toThrow(/symmetric, got a\(3, 0\) = .* and a\(0, 3\) = /);
    expect(eigh(a, { symmetryTolerance: 1e-2 }).values).toHaveLength(9);
    a.values[3] = symmetric(9).values[3]! + 1e-12;
    expect(eigh(a).values).toHaveLength(9);
    expect(() => eigh(a, { symmetryTolerance: -1 })).toThrow(/from 0, got -1/);
  });

  it('cholesky: a matrix that is not positive definite, by its first bad pivot', () => {
    for (const bad of [0, 5, 40, 69]) {
      const a = identity(70);
      a.values[bad * 71] = bad === 5 ? 0 : -1;
      expect(() => cholesky(a)).toThrow(new RegExp(`pivot ${bad} of 0 … 69 is not positive`));
    }
    expect(() => cholesky(matrix(3, 3))).toThrow(/pivot 0/);
  });

  it('triangular solvers: a zero on the diagonal', () => {
    const singular = matrix(2, 2, [1, 2, 0, 0]);
    expect(() => solveTriangular(singular, square)).toThrow(/no zero on its diagonal, got one in row 1/);
    expect(() => choleskySolve(singular, square)).toThrow(/no zero on its diagonal/);
  });

  it('options out of range', () => {
    for (const rank of [0, 3, 1.5, Number.NaN]) {
      expect(() => svd(square, { rank })).toThrow(/\[1, min\(m, n\)\] = \[1, 2\]/);
      expect(() => randomisedSvd(square, rank, { seed: 1 })).toThrow(/\[1, min\(m, n\)\] = \[1, 2\]/);
    }
    expect(() => randomisedSvd(square, 1, { seed: 1, oversampling: -1 })).toThrow(/oversampling must be/);
    expect(() => randomisedSvd(square, 1, { seed: 1, powerIterations: 0.5 })).toThrow(/powerIterations/);
    expect(() => qr(square, { mode: 'wide' as never })).toThrow(/thin or full, got wide/);
    expect(() => lstsq(square, square, { tolerance: 1 })).toThrow(/\[0, 1\), got 1/);
  });
});
