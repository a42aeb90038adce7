import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseKept, floorOf, type Candidates, type Scope } from '../src/scope.ts';

const open = (...kernels: number[][]): Candidates[] =>
  kernels.map((scores) => ({
    scores: Float64Array.from(scores),
    allowed: new Uint8Array(scores.length).fill(1),
  }));
const choose = (kernels: Candidates[], kept: number, scope: Scope, floors = kernels.map(() => 0)) =>
  chooseKept(kernels, kept, scope, floors).map((bits) => [...bits]);
const ones = (bits: readonly number[]) => bits.reduce((sum, bit) => sum + bit, 0);

/** Scores with many ties, split into kernels. */
const kernels = fc.array(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 12 }), {
  minLength: 1,
  maxLength: 5,
});
const cases = kernels.chain((scores) =>
  fc.record({
    scores: fc.constant(scores),
    kept: fc.integer({ min: 0, max: scores.flat().length }),
    scope: fc.constantFrom<Scope>('global', 'layer', 'lamp'),
  }),
);

describe('chooseKept', () => {
  it('keeps the largest of all kernels with scope global', () => {
    expect(choose(open([5, 1, 4], [2, 3]), 3, 'global')).toEqual([
      [1, 0, 1],
      [0, 1],
    ]);
  });

  it('prunes the lowest index first among equal scores', () => {
    expect(choose(open([1, 1], [1, 1]), 2, 'global')).toEqual([
      [0, 0],
      [1, 1],
    ]);
    expect(choose(open([2, 1, 2, 1, 2]), 2, 'global')).toEqual([[0, 0, 1, 0, 1]]);
  });

  it('keeps the same fraction of each kernel with scope layer', () => {
    expect(choose(open([9, 8, 7, 6], [1, 2, 3, 4]), 4, 'layer')).toEqual([
      [1, 1, 0, 0],
      [0, 0, 1, 1],
    ]);
  });

  it('gives what does not divide to the largest remainders, so that the total is exact', () => {
    // 5 of 12: shares 2.08, 1.25, 1.67
    expect(choose(open([1, 2, 3, 4, 5], [1, 2, 3], [1, 2, 3, 4]), 5, 'layer').map(ones)).toEqual([2, 1, 2]);
  });

  it('ranks by the layer-adaptive score with scope lamp', () => {
    // squares 1, 4 → 1/5, 1; squares 100, 9, 16 → 1, 9/125, 16/116
    const two = open([1, 2], [10, 3, 4]);
    expect(choose(two, 2, 'lamp')).toEqual([
      [0, 1],
      [1, 0, 0],
    ]);
    expect(choose(two, 3, 'lamp')).toEqual([
      [1, 1],
      [1, 0, 0],
    ]);
    expect(choose(two, 4, 'lamp')).toEqual([
      [1, 1],
      [1, 0, 1],
    ]);
  });

  it('keeps exactly as many as asked for, whatever the scores, scope and ties', () => {
    fc.assert(
      fc.property(cases, ({ scores, kept, scope }) => {
        expect(ones(choose(open(...scores), kept, scope).flat())).toBe(kept);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('agrees with sorting by score and index', () => {
    fc.assert(
      fc.property(cases, ({ scores, kept, scope }) => {
        fc.pre(scope !== 'layer');
        const ranked = (scope === 'lamp' ? scores.map(naiveLamp) : scores).flat();
        const order = [...ranked.keys()].sort((a, b) => ranked[a]! - ranked[b]! || a - b); // stable: ties by index
        const expected = ranked.map(() => 1);
        for (const i of order.slice(0, ranked.length - kept)) expected[i] = 0;
        expect(choose(open(...scores), kept, scope).flat()).toEqual(expected);
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  it('leaves every kernel its floor and the best weights of it', () => {
    fc.assert(
      fc.property(cases, ({ scores, kept, scope }) => {
        const floors = scores.map((s) => Math.min(s.length, 2));
        fc.pre(floors.reduce((a, b) => a + b, 0) <= kept);
        const bits = choose(open(...scores), kept, scope, floors);
        expect(ones(bits.flat())).toBe(kept);
        for (const [i, b] of bits.entries()) {
          expect(ones(b)).toBeGreaterThanOrEqual(floors[i]!);
          const worstKept = Math.min(...scores[i]!.filter((_, j) => b[j] === 1));
          const bestPruned = Math.max(-1, ...scores[i]!.filter((_, j) => b[j] === 0));
          expect(worstKept).toBeGreaterThanOrEqual(bestPruned);
        }
      }),
      { numRuns: 300, seed: 3 },
    );
  });

  it('takes from the others what a floor adds', () => {
    expect(choose(open([9, 8, 7], [1, 2]), 3, 'global', [1, 1])).toEqual([
      [1, 1, 0],
      [0, 1],
    ]);
    expect(choose(open([9, 8, 7, 6, 5, 4], [1, 2]), 4, 'layer', [0, 2])).toEqual([
      [1, 1, 0, 0, 0, 0],
      [1, 1],
    ]);
  });

  it('lets no pruned weight return while others are left', () => {
    const [kernel] = open([9, 1, 8, 2]);
    const former = { ...kernel!, allowed: Uint8Array.of(0, 1, 1, 1) };
    for (const scope of ['global', 'layer', 'lamp'] as const) {
      expect(choose([former], 2, scope)).toEqual([[0, 0, 1, 1]]);
      expect(choose([former], 3, scope)).toEqual([[0, 1, 1, 1]]);
    }
  });
});

describe('what was pruned before', () => {
  const thin = { scores: Float64Array.of(9, 8, 7, 6), allowed: Uint8Array.of(0, 0, 0, 1) };
  const whole = { scores: Float64Array.of(1, 2, 3, 4), allowed: Uint8Array.of(1, 1, 1, 1) };

  it('stays so with scope layer: the others keep what a thin kernel cannot', () => {
    expect(choose([thin, whole], 4, 'layer')).toEqual([
      [0, 0, 0, 1],
      [0, 1, 1, 1],
    ]);
  });

  it('is not brought back by a floor', () => {
    for (const scope of ['global', 'layer', 'lamp'] as const) {
      const [first] = chooseKept([thin, whole], 4, scope, [2, 2]);
      expect([...first!]).toEqual([0, 0, 0, 1]);
    }
  });
});

describe('floorOf', () => {
  it('rounds up, to one weight at least, unless the floor is 0', () => {
    expect([floorOf(10, 0), floorOf(10, 0.001), floorOf(10, 0.21), floorOf(10, 1)]).toEqual([0, 1, 3, 10]);
  });

  it('is not misled by rounding of the product', () => {
    expect(floorOf(100, 0.29)).toBe(29); // 0.29 · 100 = 28.999999999999996
    expect(floorOf(100, 0.07)).toBe(7); // 0.07 · 100 = 7.000000000000001
  });
});

/** Lee et al. 2021, equation 3, as written: quadratic in the number of weights. */
function naiveLamp(scores: number[]): number[] {
  const before = (u: number, v: number) => scores[u]! < scores[v]! || (scores[u] === scores[v] && u <= v);
  return scores.map((s, u) => {
    const rest = scores.filter((_, v) => before(u, v)).reduce((sum, t) => sum + t * t, 0);
    return s === 0 ? 0 : (s * s) / rest;
  });
}
