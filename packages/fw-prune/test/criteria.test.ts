import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '@ockham/core/random';
import { needsGradient, scoresOf, type CriterionInput } from '../src/criteria.ts';

const kernel = (
  weights: number[],
  gradient: number[],
  seed = 1,
  squares = gradient.map((g) => g * g),
): CriterionInput => ({
  name: 'dense/kernel',
  shape: [weights.length, 1],
  weights: Float32Array.from(weights),
  gradient: Float32Array.from(gradient),
  squaredGradient: Float32Array.from(squares),
  random: new Random(seed),
});
const four = [kernel([3, -1, 0.5, 0], [0.25, -2, 1, 4])];

/** Indexes, the most important first. */
const ranking = (scores: Float64Array) => [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);

describe('scoresOf', () => {
  it.each([
    ['magnitude', [3, 1, 0.5, 0]],
    ['gradient', [0.25, 2, 1, 4]],
    ['weight-gradient', [0.75, 2, 0.5, 0]],
  ] as const)('%s gives the hand-worked scores', (criterion, expected) => {
    expect([...scoresOf(criterion, four, 1)[0]!]).toEqual(expected);
  });

  it('lmo scores |w − G/L| with L relative to ‖G‖/‖w‖ over all kernels', () => {
    const two = [kernel([3, 0], [0, 6]), kernel([0, 4], [8, 0])]; // ‖w‖ = 5, ‖G‖ = 10, so 1/L = 0.5 at curvature 1
    expect(scoresOf('lmo', two, 1).map((s) => [...s])).toEqual([
      [3, 3],
      [4, 4],
    ]);
    expect(scoresOf('lmo', two, 2).map((s) => [...s])).toEqual([
      [3, 1.5],
      [2, 4],
    ]);
  });

  it('lmo ranks as gradient for small and as magnitude for large curvature', () => {
    expect(ranking(scoresOf('lmo', four, 1e-6)[0]!)).toEqual(ranking(scoresOf('gradient', four, 1)[0]!));
    expect(ranking(scoresOf('lmo', four, 1e6)[0]!)).toEqual(ranking(scoresOf('magnitude', four, 1)[0]!));
  });

  it('lmo picks the support of the brute-force oracle of the k-sparse polytope at the empty network', () => {
    const values = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(
        values,
        values,
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(0.5, 1, 3),
        (w, G, k, curvature) => {
          fc.pre(w.some((v) => v !== 0) && G.some((v) => v !== 0));
          const L = (curvature * Math.hypot(...G)) / Math.hypot(...w);
          const direction = w.map((v, i) => G[i]! - L * v); // ∇q(0)
          // the vertices are k-sparse with entries ±1: for a support the best signs give −Σ|direction|
          const supports = subsets(5, k);
          const value = (support: number[]) => -support.reduce((sum, i) => sum + Math.abs(direction[i]!), 0);
          const best = Math.min(...supports.map(value));
          const ours = ranking(scoresOf('lmo', [kernel(w, G)], curvature)[0]!).slice(0, k);
          expect(value(ours)).toBeCloseTo(best, 5);
        },
      ),
      { numRuns: 100, seed: 3 },
    );
  });

  it('natural-lmo scores √L·|w − G/L| up to a factor, L = c·(F + F̄)/2 with F̄ over the non-zero weights', () => {
    // F̄ = 6 over the first kernel's two non-zero weights, 10 over the second's one
    const two = [kernel([3, 1, 0], [4, 0, 0], 1, [4, 8, 10]), kernel([0, 4], [0, 12], 1, [2, 10])];
    const F = [5, 7, 8, 6, 10];
    const [w, G] = [
      [3, 1, 0, 0, 4],
      [4, 0, 0, 0, 12],
    ];
    const c = Math.hypot(...F.map((f, i) => G[i]! / f)) / Math.hypot(...w); // ‖G/L‖ = ‖w‖ at curvature 1
    const scores = scoresOf('natural-lmo', two, 1).flatMap((s) => [...s]);
    for (const [i, f] of F.entries())
      expect(scores[i]).toBeCloseTo(Math.sqrt(f) * Math.abs(w[i]! - G[i]! / (c * f)), 5);
  });

  it('natural-lmo ranks by w²·F for large curvature, with F of equal weight across a kernel as magnitude does', () => {
    const two = [kernel([3, 1], [1, -1], 1, [1, 1]), kernel([2, 0.5], [4, 4], 1, [16, 16])];
    const scores = scoresOf('natural-lmo', two, 1e6).flatMap((s) => [...s]);
    expect(scores.map((s) => Math.round(s * 100) / 100)).toEqual([3 * 1, 1 * 1, 2 * 4, 0.5 * 4]);
    const flat = [kernel([3, -1, 0.5, 0], [0.25, -2, 1, 4], 1, [7, 7, 7, 7])];
    expect(ranking(scoresOf('natural-lmo', flat, 1)[0]!)).toEqual(ranking(scoresOf('lmo', flat, 1)[0]!));
  });

  it('natural-lmo falls back to magnitude without a gradient and scores a kernel without one 0', () => {
    expect([...scoresOf('natural-lmo', [kernel([2, -1], [0, 0])], 1)[0]!]).toEqual([2, 1]);
    expect([...scoresOf('natural-lmo', [kernel([2, -1], [0, 0]), kernel([1], [1])], 1)[0]!]).toEqual([0, 0]);
    const settled = kernel([2, -1], [0, 0], 1, [1, 9]); // the mean vanishes, the squares do not: F̂ = 3 and 7
    expect([...scoresOf('natural-lmo', [settled], 1)[0]!]).toEqual([2 * Math.sqrt(3), Math.sqrt(7)]);
  });

  it('lmo does not depend on the scale of the gradient', () => {
    const scaled = [kernel([3, -1, 0.5, 0], [2, -16, 8, 32])];
    expect([...scoresOf('lmo', scaled, 1)[0]!]).toEqual([...scoresOf('lmo', four, 1)[0]!]);
  });

  it('lmo falls back to magnitude without a gradient and to the gradient of a zero kernel', () => {
    expect([...scoresOf('lmo', [kernel([2, -1], [0, 0])], 1)[0]!]).toEqual([2, 1]);
    expect([...scoresOf('lmo', [kernel([0, 0], [2, -1])], 1)[0]!]).toEqual([2, 1]);
  });

  it('random depends on the stream alone', () => {
    const once = scoresOf('random', [kernel([1, 2, 3], [0, 0, 0], 7)], 1);
    expect(scoresOf('random', [kernel([9, 9, 9], [1, 1, 1], 7)], 1)).toEqual(once);
    expect(scoresOf('random', [kernel([1, 2, 3], [0, 0, 0], 8)], 1)).not.toEqual(once);
  });

  it('takes a function, and says so when it returns too few scores', () => {
    expect([...scoresOf(({ weights }) => weights.map((w) => w * 2), four, 1)[0]!]).toEqual([6, -2, 1, 0]);
    expect(() => scoresOf(() => [1], four, 1)).toThrow(
      /must return 4 scores for dense\/kernel, one per weight, got 1/,
    );
  });

  it('refuses NaN, naming the weight', () => {
    const broken = [kernel([1, 2], [0, NaN])];
    expect(() => scoresOf('gradient', broken, 1)).toThrow(/NaN for weight 1 of dense\/kernel/);
  });

  it('knows which criteria look at gradients', () => {
    expect(
      ['magnitude', 'random', 'gradient', 'weight-gradient', 'lmo', 'natural-lmo'].map((c) =>
        needsGradient(c as 'lmo'),
      ),
    ).toEqual([false, false, true, true, true, true]);
    expect(needsGradient(() => [])).toBe(true);
  });
});

function subsets(n: number, k: number, from = 0): number[][] {
  if (k === 0) return [[]];
  return Array.from({ length: n - from }, (_, i) => from + i).flatMap((i) =>
    subsets(n, k - 1, i + 1).map((rest) => [i, ...rest]),
  );
}
