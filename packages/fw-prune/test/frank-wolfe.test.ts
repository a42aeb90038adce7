import { AbortedError, ArgumentError, NonFiniteError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FrankWolfeResult } from '../src/frank-wolfe.ts';
import { frankWolfe } from '../src/frank-wolfe.ts';
import type { FeasibleSet } from '../src/lmo/index.ts';
import {
  groupKSupportBall,
  inexactOracle,
  kSparsePolytope,
  kSupportBall,
  l1Ball,
  l2Ball,
  lInfinityBall,
  nuclearNormBall,
  simplex,
} from '../src/lmo/index.ts';
import type { Problem } from '../src/problem.ts';
import { leastSquares } from '../src/problem.ts';
import { plantedQuadratic } from './planted-quadratic.ts';

const n = 8;
const polytopes: FeasibleSet[] = [
  l1Ball(n, { radius: 2 }),
  lInfinityBall(n, { radius: 0.5 }),
  simplex(n, { scale: 1.5 }),
  kSparsePolytope(n, { k: 3, radius: 0.7 }),
];
const sets: FeasibleSet[] = [
  ...polytopes,
  l2Ball(n),
  kSupportBall(n, { k: 3, radius: 1.3 }),
  nuclearNormBall(2, 4, { radius: 2 }),
  groupKSupportBall([0, 0, 1, 1, 2, 2, 2, 0], { k: 2, radius: 1.1 }),
];
const rounding = 1e-12;

/** ½‖x - p‖². */
const distanceTo = (p: number[]): Problem =>
  leastSquares(
    Float64Array.from({ length: p.length ** 2 }, (_, i) => (i % (p.length + 1) === 0 ? 1 : 0)),
    Float64Array.from(p),
    p.length,
  );

/** The worst of error·(t+2)/(2·bound) over t ≥ 1: at most 1 where the guarantee holds. */
function worstRatio({ history }: FrankWolfeResult, bound: number): number {
  return Math.max(
    0,
    ...history.slice(1).map(({ value, iteration: t }) => ((value - rounding) * (t + 2)) / (2 * bound)),
  );
}

describe('the guarantee 2·C_f/(t + 2) for every t ≥ 1', () => {
  describe.each(sets)('over the $name', (set) => {
    it.each([
      ['vanilla', 'open-loop'],
      ['vanilla', 'line-search'],
      ['vanilla', 'short-step'],
      ['momentum', 'open-loop'],
      ['momentum', 'line-search'],
      ['momentum', 'short-step'],
    ] as const)('holds for %s steps with %s, and the gap never falls below the error', (variant, step) => {
      fc.assert(
        fc.property(
          fc.nat(),
          fc.constantFrom('vertex' as const, 'face' as const),
          fc.integer({ min: 1, max: n }),
          (seed, kind, rank) => {
            const { problem, curvature } = plantedQuadratic(set, new Random(seed), kind, { rank });
            const result = frankWolfe(problem, set, { variant, step, maxIterations: 60 });
            expect(worstRatio(result, curvature)).toBeLessThanOrEqual(1);
            expect(Math.min(...result.history.map(({ gap, value }) => gap - value))).toBeGreaterThanOrEqual(
              -rounding,
            );
            expect(set.contains(result.x, 1e-9)).toBe(true);
          },
        ),
        { seed: 17, numRuns: 12 },
      );
    });

    it.each(['open-loop', 'line-search'] as const)(
      'holds times 1 + δ with the worst oracle that δ allows, %s',
      (step) => {
        fc.assert(
          fc.property(fc.nat(), fc.constantFrom(0.1, 1, 5), (seed, delta) => {
            const { problem, curvature } = plantedQuadratic(set, new Random(seed), 'face');
            const options = { step, maxIterations: 60 } as const;
            const exact = frankWolfe(problem, set, options);
            const result = frankWolfe(problem, inexactOracle(set), {
              ...options,
              inexactness: { delta, curvature },
            });
            expect(worstRatio(result, curvature * (1 + delta))).toBeLessThanOrEqual(1);
            expect(Math.min(...result.history.map(({ gap, value }) => gap - value))).toBeGreaterThanOrEqual(
              -rounding,
            );
            expect(result.history.map((r) => r.value)).not.toEqual(exact.history.map((r) => r.value));
          }),
          { seed: 19, numRuns: 10 },
        );
      },
    );
  });

  it('is not vacuous: a narrow valley on the simplex comes within a factor of 8 of it', () => {
    // ½‖x‖² over the simplex: after t steps at most t vertices are in use, so the error is at least 1/(2t) - 1/(2n).
    const dimension = 200;
    const set = simplex(dimension);
    const { history } = frankWolfe(distanceTo(Array.from({ length: dimension }, () => 0)), set, {
      maxIterations: 50,
    });
    const best = 1 / (2 * dimension);
    for (const { value, iteration: t } of history.slice(1)) {
      expect(value - best).toBeLessThanOrEqual((2 * 2) / (t + 2)); // C_f = diameter² = 2
      expect(value - best).toBeGreaterThanOrEqual(1 / (2 * t) - best - rounding);
    }
    expect((1 / 100 - best) / (4 / 52)).toBeGreaterThan(1 / 16);
  });
});

/** The first iteration whose gap is at most `tolerance` times the first gap. */
function iterationsTo(tolerance: number, { history }: FrankWolfeResult): number {
  return history.findIndex(({ gap }) => gap <= tolerance * history[0]!.gap);
}

describe('away and pairwise steps', () => {
  it.each(
    polytopes.flatMap((set) =>
      (['away-step', 'pairwise'] as const).flatMap((variant) =>
        (['line-search', 'short-step', 'adaptive'] as const).map((step) => ({
          set,
          variant,
          step,
          name: set.name,
        })),
      ),
    ),
  )(
    'converge linearly on a strongly convex f, vanilla does not: $name, $variant, $step',
    ({ set, variant, step }) => {
      // A mixture of three vertices, where vanilla Frank-Wolfe zigzags between them.
      const { problem } = plantedQuadratic(set, new Random(23), 'face', { atoms: 3, ridge: 8 });
      const start = set.minimize(Float64Array.from({ length: n }, (_, i) => Math.cos(i + 1)));
      const fast = frankWolfe(problem, set, {
        variant,
        step,
        start,
        maxIterations: 1500,
        gapTolerance: 1e-11,
      });
      const slow = frankWolfe(problem, set, { step, start, maxIterations: fast.history.length });
      expect(fast.stopReason).toBe('gap');
      expect(fast.value).toBeLessThanOrEqual(1e-11);
      expect(slow.value).toBeGreaterThan(1e4 * Math.max(fast.value, 1e-11));
      // A linear rate pays the same for every digit; at O(1/t) the second five would cost 100,000 times the first.
      const five = iterationsTo(1e-5, fast);
      const ten = iterationsTo(1e-10, fast);
      expect(five).toBeGreaterThan(0);
      expect(ten - five).toBeLessThanOrEqual(4 * Math.max(five, 10));
      expect(iterationsTo(1e-10, slow)).toBe(-1);
    },
  );

  it('keep x as a convex combination of vertices and drop the useless ones', () => {
    for (const variant of ['away-step', 'pairwise'] as const) {
      const { x, activeSet, history } = frankWolfe(distanceTo([0.6, 0.4, -0.2]), simplex(3), {
        variant,
        step: 'line-search',
        start: Float64Array.of(0, 0, 1),
        gapTolerance: 1e-13,
      });
      expect(history.some(({ move }) => move === 'drop')).toBe(true);
      expect(activeSet!.map(({ vertex }) => [...vertex]).sort()).toEqual([
        [0, 1, 0],
        [1, 0, 0],
      ]);
      expect(activeSet!.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 15);
      for (const { vertex, weight } of activeSet!) expect(weight).toBe(x[vertex.indexOf(1)]);
      [0.6, 0.4, 0].forEach((v, i) => expect(x[i]).toBeCloseTo(v, 6));
    }
  });
});

describe('closed forms', () => {
  it('the projection onto the L2 ball is p/‖p‖', () => {
    const { x } = frankWolfe(distanceTo([3, -4, 0]), l2Ball(3), { step: 'line-search', gapTolerance: 1e-12 });
    [0.6, -0.8, 0].forEach((v, i) => expect(x[i]).toBeCloseTo(v, 6));
  });

  it('the projection onto the simplex is max(p - θ, 0)', () => {
    const { x, value } = frankWolfe(distanceTo([0.9, 0.5, -1, 0.3]), simplex(4), {
      variant: 'pairwise',
      step: 'line-search',
      gapTolerance: 1e-14,
    });
    const theta = 0.7 / 3;
    [0.9 - theta, 0.5 - theta, 0, 0.3 - theta].forEach((v, i) => expect(x[i]).toBeCloseTo(v, 7));
    expect(value).toBeCloseTo((3 * theta ** 2 + 1) / 2, 12);
  });

  it('the projection onto the L∞ ball clips, with every step rule', () => {
    for (const step of ['line-search', 'short-step', 'adaptive'] as const) {
      const { x } = frankWolfe(distanceTo([2, -0.25, 0.5]), lInfinityBall(3), {
        variant: 'away-step',
        step,
        gapTolerance: 1e-13,
      });
      [1, -0.25, 0.5].forEach((v, i) => expect(x[i]).toBeCloseTo(v, 6));
    }
  });

  it('one exact line search solves a line: from e_0 to the middle of e_0 and e_1', () => {
    const { x, history } = frankWolfe(distanceTo([0.5, 0.5]), simplex(2), {
      step: 'line-search',
      start: Float64Array.of(1, 0),
    });
    expect([...x]).toEqual([0.5, 0.5]);
    expect(history).toEqual([
      { iteration: 0, value: 0.25, gap: 1, step: 0.5, move: 'toward' },
      { iteration: 1, value: 0, gap: 0, step: 0, move: 'none' },
    ]);
  });
});

describe('step rules', () => {
  const set = kSparsePolytope(n, { k: 3 });
  const { problem } = plantedQuadratic(set, new Random(31), 'face', { rank: 5 });

  it('open-loop is 2/(t + 2), so that the first step lands on the vertex', () => {
    const { history, x } = frankWolfe(problem, set, { maxIterations: 1 });
    expect(history.map(({ step }) => step)).toEqual([1, 0]);
    expect([...x].filter((v) => v !== 0)).toHaveLength(3);
  });

  it('bisection finds the closed-form line search', () => {
    const { lineSearch: _, ...plain } = problem;
    const exact = frankWolfe(problem, set, { step: 'line-search', maxIterations: 10 });
    const searched = frankWolfe(plain, set, { step: 'line-search', maxIterations: 10 });
    exact.history.forEach(({ step, value }, t) => {
      expect(searched.history[t]!.step).toBeCloseTo(step, 9);
      expect(searched.history[t]!.value).toBeCloseTo(value, 9);
    });
  });

  it('adaptive needs no L and lowers f at every step, also where f is no quadratic', () => {
    const logistic: Problem = {
      dimension: 3,
      value: (x) => x.reduce((sum, v, i) => sum + Math.log1p(Math.exp((i - 1.5) * 3 * v)), 0),
      gradient: (x, out) =>
        x.forEach((v, i) => (out[i] = ((i - 1.5) * 3) / (1 + Math.exp(-(i - 1.5) * 3 * v)))),
    };
    const { history, gap, x } = frankWolfe(logistic, l2Ball(3), { step: 'adaptive', gapTolerance: 1e-8 });
    for (let t = 1; t < history.length; t++)
      expect(history[t]!.value).toBeLessThanOrEqual(history[t - 1]!.value + 1e-14);
    expect(gap).toBeLessThanOrEqual(1e-8);
    expect(Math.hypot(...x)).toBeCloseTo(1, 7);
  });

  it('short-step without L says what is missing', () => {
    const { smoothness: _, ...plain } = problem;
    expect(() => frankWolfe(plain, set, { step: 'short-step' })).toThrow(
      /short-step' needs the problem's smoothness.*Use 'adaptive'/,
    );
  });
});

describe('a run', () => {
  const set = simplex(n);
  const { problem } = plantedQuadratic(set, new Random(37), 'face', { rank: 5, atoms: 4 });

  it('is deterministic', () => {
    expect(frankWolfe(problem, set, { maxIterations: 30 })).toEqual(
      frankWolfe(problem, set, { maxIterations: 30 }),
    );
  });

  it('records every iterate, keeps the best and leaves the start alone', () => {
    const start = set.minimize(Float64Array.from({ length: n }, (_, i) => i));
    const before = start.slice();
    const { history, best, x, value, gap } = frankWolfe(problem, set, { start, maxIterations: 30 });
    expect(start).toEqual(before);
    expect(history).toHaveLength(31);
    expect(history[0]!.value).toBe(problem.value(start));
    expect(best.value).toBe(Math.min(...history.map((r) => r.value)));
    expect(problem.value(best.x)).toBe(best.value);
    expect(problem.value(x)).toBe(value);
    expect(history.at(-1)).toEqual({ iteration: 30, value, gap, step: 0, move: 'none' });
  });

  it('of no iterations answers the start and its gap', () => {
    const { history, stopReason } = frankWolfe(problem, set, { maxIterations: 0 });
    expect(history).toHaveLength(1);
    expect(stopReason).toBe('iterations');
  });

  it('stops at the gap, at the callback and at the signal', () => {
    const byGap = frankWolfe(problem, set, { gapTolerance: 0.05, maxIterations: 1000 });
    expect(byGap.stopReason).toBe('gap');
    expect(byGap.gap).toBeLessThanOrEqual(0.05);
    expect(byGap.history.at(-2)!.gap).toBeGreaterThan(0.05);

    const byCallback = frankWolfe(problem, set, { onIteration: ({ iteration }) => iteration < 3 });
    expect(byCallback.stopReason).toBe('callback');
    expect(byCallback.history.at(-1)).toMatchObject({ iteration: 3, step: 0, move: 'none' });

    const controller = new AbortController();
    expect(() =>
      frankWolfe(problem, set, {
        signal: controller.signal,
        onIteration({ iteration }) {
          if (iteration === 2) controller.abort();
        },
      }),
    ).toThrow(AbortedError);
  });

  it('reports progress', () => {
    const events: number[] = [];
    frankWolfe(problem, set, { maxIterations: 4, progress: ({ done, total }) => events.push(done / total) });
    expect(events).toEqual([0, 0.25, 0.5, 0.75, 1]);
  });

  it('over a single point stops at once', () => {
    const { x, stopReason } = frankWolfe(distanceTo([5]), simplex(1));
    expect([...x]).toEqual([1]);
    expect(stopReason).toBe('gap');
  });
});

describe('bad input', () => {
  const set = simplex(3);
  const problem = distanceTo([1, 0, 0]);
  it.each([
    ['same dimension', () => frankWolfe(problem, simplex(4))],
    ['start must lie in the simplex', () => frankWolfe(problem, set, { start: Float64Array.of(1, 1, 1) })],
    ['start must lie', () => frankWolfe(problem, set, { start: Float64Array.of(NaN, 1, 0) })],
    ['maxIterations', () => frankWolfe(problem, set, { maxIterations: -1 })],
    ['gapTolerance', () => frankWolfe(problem, set, { gapTolerance: NaN })],
    ['inexactness', () => frankWolfe(problem, set, { inexactness: { delta: -1, curvature: 1 } })],
    ['variant must be', () => frankWolfe(problem, set, { variant: 'fast' as 'vanilla' })],
    ['step must be', () => frankWolfe(problem, set, { step: 'long' as 'open-loop' })],
    ['A must hold', () => leastSquares(new Float64Array(5), new Float64Array(2), 3)],
    ['finite', () => leastSquares(Float64Array.of(NaN), Float64Array.of(1), 1)],
  ])('is refused: %s', (message, run) => {
    expect(run).toThrow(ArgumentError);
    expect(run).toThrow(message);
  });

  it('a gradient that turns NaN is named with its iteration', () => {
    const broken: Problem = { ...problem, gradient: (x, out) => void out.fill(x[0] === 1 ? 1 : NaN) };
    expect(() => frankWolfe(broken, set, { start: Float64Array.of(0, 0, 1) })).toThrow(NonFiniteError);
    expect(() => frankWolfe(broken, set, { start: Float64Array.of(0, 0, 1) })).toThrow(/iteration 0/);
  });
});
