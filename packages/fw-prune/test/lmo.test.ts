import { ArgumentError, NonFiniteError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeasibleSet, Vector } from '../src/lmo/index.ts';
import {
  groupKSupportBall,
  inexactOracle,
  kSparsePolytope,
  kSupportBall,
  kSupportNorm,
  l1Ball,
  l2Ball,
  lInfinityBall,
  nuclearNormBall,
  simplex,
} from '../src/lmo/index.ts';
import { singularValues } from '../src/lmo/singular-values.ts';
import { topKIndexes } from '../src/lmo/top-k.ts';
import fixture from './fixtures/lmo.json' with { type: 'json' };

const dot = (a: Vector, b: Vector): number => Array.from(a).reduce((sum, v, i) => sum + v * b[i]!, 0);
const random = new Random(11).stream('lmo.test');
const gaussian = (n: number): Float64Array => Float64Array.from({ length: n }, () => random.normal());

/** All k-subsets of 0 … n-1. */
function subsets(n: number, k: number, from = 0): number[][] {
  if (k === 0) return [[]];
  const all: number[][] = [];
  for (let i = from; i <= n - k; i++) for (const rest of subsets(n, k - 1, i + 1)) all.push([i, ...rest]);
  return all;
}

/** Every vector with entries ±radius on `support` and 0 elsewhere. */
function signed(n: number, support: number[], radius: number): Float64Array[] {
  return Array.from({ length: 2 ** support.length }, (_, bits) => {
    const v = new Float64Array(n);
    support.forEach((i, at) => (v[i] = (bits >> at) & 1 ? radius : -radius));
    return v;
  });
}

const everySet = (n: number): FeasibleSet[] => [
  l1Ball(n, { radius: 2 }),
  l2Ball(n, { radius: 0.5 }),
  lInfinityBall(n, { radius: 3 }),
  simplex(n, { scale: 1.5 }),
  kSparsePolytope(n, { k: 2, radius: 0.7 }),
  kSupportBall(n, { k: 2, radius: 1.3 }),
  nuclearNormBall(2, n / 2, { radius: 2 }),
  groupKSupportBall(
    Array.from({ length: n }, (_, i) => i % 3),
    { k: 2, radius: 1.1 },
  ),
];

const direction = (n: number): fc.Arbitrary<Float64Array> =>
  fc
    // Small integers among the doubles, so that ties and zeros are common.
    .array(fc.oneof(fc.integer({ min: -2, max: 2 }), fc.double({ min: -1e3, max: 1e3, noNaN: true })), {
      minLength: n,
      maxLength: n,
    })
    .map((values) => Float64Array.from(values));

describe('the oracle', () => {
  it('finds the best of all vertices of every polytope, ties and zeros included', () => {
    const n = 5;
    const all = Array.from({ length: n }, (_, i) => i);
    const cases: [FeasibleSet, Float64Array[]][] = [
      [l1Ball(n, { radius: 2 }), subsets(n, 1).flatMap((s) => signed(n, s, 2))],
      [lInfinityBall(n, { radius: 3 }), signed(n, all, 3)],
      [simplex(n, { scale: 1.5 }), all.map((i) => Float64Array.from(all, (j) => (i === j ? 1.5 : 0)))],
      ...[1, 2, 3, 5].map((k): [FeasibleSet, Float64Array[]] => [
        kSparsePolytope(n, { k, radius: 0.7 }),
        subsets(n, k).flatMap((s) => signed(n, s, 0.7)),
      ]),
    ];
    for (const [set, vertices] of cases) {
      fc.assert(
        fc.property(direction(n), (g) => {
          const v = set.minimize(g);
          const best = Math.min(...vertices.map((vertex) => dot(vertex, g)));
          expect(dot(v, g)).toBeCloseTo(best, 9);
          expect(vertices.some((vertex) => vertex.every((value, i) => value === v[i]))).toBe(true);
        }),
        { seed: 3 },
      );
    }
  });

  it('finds the best support of the k-support balls, against every support', () => {
    const n = 6;
    const groupOf = [0, 1, 2, 0, 1, 0];
    fc.assert(
      fc.property(direction(n), fc.integer({ min: 1, max: 3 }), (g, k) => {
        const restricted = (keep: (i: number) => boolean): number =>
          -2 * Math.hypot(...g.map((v, i) => (keep(i) ? v : 0)));
        const best = Math.min(...subsets(n, k).map((s) => restricted((i) => s.includes(i))));
        const bestOfGroups = Math.min(
          ...subsets(3, k).map((s) => restricted((i) => s.includes(groupOf[i]!))),
        );
        const v = kSupportBall(n, { k, radius: 2 }).minimize(g);
        const w = groupKSupportBall(groupOf, { k, radius: 2 }).minimize(g);
        expect(dot(v, g)).toBeCloseTo(best, 9);
        expect(v.filter((value) => value !== 0).length).toBeLessThanOrEqual(k);
        expect(dot(w, g)).toBeCloseTo(bestOfGroups, 9);
        expect(new Set(groupOf.filter((_, i) => w[i] !== 0)).size).toBeLessThanOrEqual(k);
      }),
      { seed: 3 },
    );
  });

  it.each(everySet(6))('of the $name answers a feasible point that beats random ones', (set) => {
    const points = Array.from({ length: 20 }, () => set.minimize(gaussian(6)));
    fc.assert(
      fc.property(direction(6), (g) => {
        const v = set.minimize(g);
        expect(set.contains(v)).toBe(true);
        for (const point of points)
          expect(dot(v, g)).toBeLessThanOrEqual(dot(point, g) + 1e-9 * (1 + Math.abs(dot(point, g))));
      }),
      { seed: 5, numRuns: 50 },
    );
  });

  it.each(everySet(6))('of the $name is deterministic and answers a vertex for a zero direction', (set) => {
    const g = gaussian(6);
    expect(set.minimize(g)).toEqual(set.minimize(g.slice()));
    const zero = set.minimize(new Float64Array(6));
    expect(set.contains(zero)).toBe(true);
    expect(Math.max(...zero.map(Math.abs))).toBeGreaterThan(0);
  });

  it.each(everySet(6))('of the $name writes into a reused float32 vector what it answers afresh', (set) => {
    const g = Float32Array.from(gaussian(6));
    const out = new Float32Array(6).fill(7);
    expect(set.minimize(g, out)).toBe(out);
    expect(out).toEqual(Float32Array.from(set.minimize(g)));
  });

  it.each(everySet(6))('of the $name refuses NaN, an infinity and a wrong length', (set) => {
    expect(() => set.minimize(Float64Array.of(1, 2, NaN, 0, 0, 0))).toThrow(NonFiniteError);
    expect(() => set.minimize(Float64Array.of(1, 2, Infinity, 0, 0, 0))).toThrow(/at index 2/);
    expect(() => set.minimize(new Float64Array(5))).toThrow(ArgumentError);
    expect(() => set.minimize(gaussian(6), new Float64Array(7))).toThrow(/out must have 6 values, got 7/);
  });

  it('gives ties to the lower index', () => {
    const g = Float64Array.of(1, -2, 2, 2);
    expect([...l1Ball(4).minimize(g)]).toEqual([0, 1, 0, 0]);
    expect([...kSparsePolytope(4, { k: 2 }).minimize(g)]).toEqual([0, 1, -1, 0]);
    expect([...simplex(4).minimize(Float64Array.of(0, -1, -1, 0))]).toEqual([0, 1, 0, 0]);
  });

  it('survives directions near the limits of float64', () => {
    for (const scale of [1e-300, 1e300]) {
      const g = Float64Array.of(3 * scale, 0, -4 * scale, 0);
      const expected = [-0.6, 0, 0.8, 0];
      for (const set of [l2Ball(4), kSupportBall(4, { k: 2 }), groupKSupportBall([0, 1, 0, 1], { k: 1 })]) {
        set.minimize(g).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));
      }
    }
  });
});

describe('membership', () => {
  it.each(everySet(6))(
    'in the $name holds for mixtures of vertices and fails beyond the supporting plane',
    (set) => {
      for (let trial = 0; trial < 50; trial++) {
        const weights = Float64Array.from({ length: 8 }, () => random.uniform());
        const total = weights.reduce((sum, w) => sum + w, 0);
        const x = new Float64Array(6);
        weights.forEach((w) => set.minimize(gaussian(6)).forEach((v, i) => (x[i]! += (w / total) * v)));
        expect(set.contains(x)).toBe(true);
        const g = gaussian(6);
        const v = set.minimize(g);
        // ⟨g, ·⟩ is smallest at v, so any step against g leaves the set.
        expect(set.contains(v.map((value, i) => value - 1e-3 * g[i]!))).toBe(false);
      }
      expect(set.contains(new Float64Array(5))).toBe(false);
      expect(set.contains(new Float64Array(6).fill(NaN))).toBe(false);
    },
  );

  it('uses the k-support norm, which agrees with its definition solved by CVXPY', () => {
    for (const { x, k, norm } of fixture.kSupportNorms)
      expect(kSupportNorm(Float64Array.from(x), k) / norm).toBeCloseTo(1, 8);
  });

  it('of the k-support ball turns into the L1 ball at k = 1 and the L2 ball at k = n', () => {
    const x = gaussian(7);
    expect(kSupportNorm(x, 1)).toBeCloseTo(
      x.reduce((sum, v) => sum + Math.abs(v), 0),
      12,
    );
    expect(kSupportNorm(x, 7)).toBeCloseTo(Math.hypot(...x), 12);
    expect(kSupportNorm(new Float64Array(7), 3)).toBe(0);
  });
});

describe('diameters', () => {
  it.each(everySet(6))('of the $name is reached by two vertices and never exceeded', (set) => {
    let farthest = 0;
    for (let trial = 0; trial < 300; trial++) {
      const g = gaussian(6);
      const v = set.minimize(g);
      for (const other of [g.map((value) => -value), gaussian(6)]) {
        farthest = Math.max(farthest, Math.hypot(...set.minimize(other).map((value, i) => value - v[i]!)));
      }
    }
    expect(farthest).toBeLessThanOrEqual(set.diameter() * (1 + 1e-12));
    expect(farthest).toBeGreaterThan(set.diameter() * (1 - 1e-9));
  });

  it('of a one-point simplex is 0', () => expect(simplex(1).diameter()).toBe(0));
});

describe('the nuclear-norm ball', () => {
  it.each(fixture.matrices)(
    'agrees with the SVD of NumPy for $rows × $columns',
    ({ rows, columns, matrix, singularValues: s, top }) => {
      const set = nuclearNormBall(rows, columns, { radius: 3 });
      const G = Float64Array.from(matrix);
      const v = set.minimize(G);
      expect(dot(v, G)).toBeCloseTo(-3 * s[0]!, 10);
      v.forEach((value, i) => expect(value).toBeCloseTo(-3 * top[i]!, 7));
      singularValues(G, rows, columns).forEach((value, i) => expect(value).toBeCloseTo(s[i]!, 12));
      expect(set.gauge!(G)).toBeCloseTo(s.reduce((sum, value) => sum + value, 0) / 3, 12);
    },
  );

  it('finds the minimum where the top singular values are equal', () => {
    const v = nuclearNormBall(3, 3).minimize(Float64Array.of(2, 0, 0, 0, 2, 0, 0, 0, 1));
    expect(v[0]! + v[4]!).toBeCloseTo(-1, 12);
  });

  it('stops early within the error its caller allows', () => {
    const G = gaussian(40 * 30);
    const s = singularValues(G, 40, 30)[0]!;
    const set = nuclearNormBall(40, 30);
    const error = dot(set.minimize(G, undefined, 0.05), G) + s;
    expect(error).toBeGreaterThan(1e-9);
    expect(error).toBeLessThanOrEqual(0.05);
    expect(dot(set.minimize(G), G) + s).toBeLessThan(1e-9);
  });
});

describe('the inexact oracle', () => {
  it.each(everySet(6))(
    'over the $name misses the minimum by exactly what is allowed and stays inside',
    (set) => {
      const inexact = inexactOracle(set);
      const g = gaussian(6);
      const exact = set.minimize(g);
      for (const tolerance of [0, 1e-3, 0.1]) {
        const v = inexact.minimize(g, undefined, tolerance);
        expect(inexact.contains(v)).toBe(true);
        expect(dot(v, g) - dot(exact, g)).toBeCloseTo(tolerance, 12);
      }
      const width = dot(set.minimize(g.map((value) => -value)), g) - dot(exact, g);
      expect(dot(inexact.minimize(g, undefined, 1e9), g) - dot(exact, g)).toBeCloseTo(width, 10);
    },
  );
});

describe('the k largest', () => {
  it('are those of a stable sort by magnitude', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 1, maxLength: 60 }),
        fc.nat(),
        (values, pick) => {
          const k = 1 + (pick % values.length);
          const order = values
            .map((_, i) => i)
            .sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!) || a - b);
          const expected = order.slice(0, k).sort((a, b) => a - b);
          expect([...topKIndexes(Float32Array.from(values), k)]).toEqual(expected);
        },
      ),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe('the k largest of a long vector', () => {
  it.each([Float32Array, Float64Array])('are those of a sort, for %o', (Values) => {
    const x = new Values(
      Array.from({ length: 20_000 }, (_, i) => (i % 3 === 0 ? 0.5 : random.normal()) * (i % 2 ? 1 : -1)),
    );
    const order = [...x.keys()].sort((a, b) => Math.abs(x[b]!) - Math.abs(x[a]!) || a - b);
    for (const k of [1, 77, 6000, 12_000, 20_000]) {
      expect([...topKIndexes(x, k)]).toEqual(order.slice(0, k).sort((a, b) => a - b));
    }
    expect([...topKIndexes(x.subarray(1), 5)]).toEqual(
      order
        .filter((i) => i > 0)
        .slice(0, 5)
        .map((i) => i - 1)
        .sort((a, b) => a - b),
    );
  });
});

describe('bad sizes', () => {
  it.each([
    ['dimension', () => l1Ball(0)],
    ['dimension', () => l2Ball(2.5)],
    ['radius', () => lInfinityBall(3, { radius: 0 })],
    ['radius', () => simplex(3, { scale: NaN })],
    ['k must be an integer in \\[1, 4\\], got 5', () => kSparsePolytope(4, { k: 5 })],
    ['k must be an integer in \\[1, 4\\], got 0', () => kSupportBall(4, { k: 0 })],
    ['group 1 of 3 has no coordinate', () => groupKSupportBall([0, 2], { k: 1 })],
    ['groups must be integers', () => groupKSupportBall([0, -1], { k: 1 })],
    ['tolerance', () => nuclearNormBall(2, 2, { tolerance: 0 })],
  ])('are refused: %s', (message, make) => {
    expect(make).toThrow(ArgumentError);
    expect(make).toThrow(new RegExp(message));
  });
});
