import { ArgumentError, NonFiniteError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frankWolfe } from '../src/frank-wolfe.ts';
import { greedyForwardSelection } from '../src/greedy-forward-selection.ts';
import { simplex } from '../src/lmo/index.ts';
import { leastSquares } from '../src/problem.ts';

type Row = Float64Array;

/** A two-layer network of the paper's equation 1 on random data: `[N, m]` outputs b_i·relu(a_iᵀx). */
function twoLayerNet(seed: number, N: number, m: number): { neurons: Float64Array; rows: Row[]; y: Row } {
  const random = new Random(seed);
  const normals = (length: number): Float64Array => Float64Array.from({ length }, () => random.normal());
  const x = Array.from({ length: m }, () => normals(3));
  const rows = Array.from({ length: N }, () => {
    const a = normals(3);
    const b = random.normal();
    return Float64Array.from(
      x,
      (example) => b * Math.max(0, a[0]! * example[0]! + a[1]! * example[1]! + a[2]! * example[2]!),
    );
  });
  const neurons = Float64Array.from(rows.flatMap((row) => [...row]));
  const y = Float64Array.from(
    { length: m },
    (_, j) => rows.reduce((sum, row) => sum + row[j]! / N, 0) + 0.05 * random.normal(),
  );
  return { neurons, rows, y };
}

const loss = (u: ArrayLike<number>, y: Row): number => y.reduce((sum, v, j) => sum + (u[j]! - v) ** 2, 0) / 2;
const mix = (u: Row, phi: Row, gamma: number): Row => u.map((v, j) => (1 - gamma) * v + gamma * phi[j]!);
const widestPair = (rows: Row[]): number =>
  Math.max(...rows.flatMap((a) => rows.map((b) => a.reduce((sum, v, j) => sum + (v - b[j]!) ** 2, 0))));

/** The least loss in the convex hull of the neurons, from below, by Frank-Wolfe and its gap. */
function hullOptimum(neurons: Float64Array, N: number, y: Row): number {
  const columns = Float64Array.from(
    { length: neurons.length },
    (_, at) => neurons[(at % N) * y.length + Math.floor(at / N)]!,
  );
  const { value, gap } = frankWolfe(leastSquares(columns, y, N), simplex(N), {
    variant: 'pairwise',
    step: 'line-search',
    gapTolerance: 1e-10,
    maxIterations: 20_000,
  });
  expect(gap).toBeLessThan(1e-6);
  return value - gap;
}

describe('each selection', () => {
  it.each(['uniform', 'line-search'] as const)(
    'is the best of all neurons, tried out one by one: %s',
    (step) => {
      fc.assert(
        fc.property(fc.nat(), (seed) => {
          const { neurons, rows, y } = twoLayerNet(seed, 7, 12);
          const { history } = greedyForwardSelection(neurons, y, { size: 12, step });
          let u: Row = new Float64Array(12);
          history.forEach((record, at) => {
            const k = at + 1;
            const tried = rows.map((phi) => {
              if (step === 'uniform' || k === 1) return loss(mix(u, phi, 1 / k), y);
              // A fine grid over [0, 1] stands in for the closed form.
              return Math.min(...Array.from({ length: 301 }, (_, i) => loss(mix(u, phi, i / 300), y)));
            });
            const best = Math.min(...tried);
            expect(record.loss).toBeLessThanOrEqual(best + 1e-12);
            expect(record.loss).toBeGreaterThan(best - 1e-3 * loss(new Float64Array(12), y) - 1e-12);
            if (step === 'uniform') expect(tried[record.index]).toBeCloseTo(best, 12);
            u = mix(u, rows[record.index]!, record.step);
            expect(loss(u, y)).toBeCloseTo(record.loss, 10);
          });
        }),
        { seed: 41, numRuns: 8 },
      );
    },
  );

  it('averages neurons, repetitions counted: the weights are counts over size', () => {
    const { neurons, y } = twoLayerNet(5, 6, 10);
    const { weights, history, chosen } = greedyForwardSelection(neurons, y, { size: 15 });
    const counts = new Float64Array(6);
    for (const { index } of history) counts[index]!++;
    weights.forEach((w, i) => expect(w).toBeCloseTo(counts[i]! / 15, 14));
    expect([...chosen].sort()).toEqual([...counts.keys()].filter((i) => counts[i]! > 0));
    expect(chosen[0]).toBe(history[0]!.index);
  });

  it('by hand: targets between two of three neurons', () => {
    const neurons = Float64Array.of(1, 0, 0, 1, -3, -3); // φ_0 = (1, 0), φ_1 = (0, 1), φ_2 = (-3, -3)
    const y = Float64Array.of(0.75, 0.25);
    const { history, weights, chosen } = greedyForwardSelection(neurons, y, { size: 9, step: 'line-search' });
    expect(history).toEqual([
      { index: 0, step: 1, loss: 0.0625 },
      { index: 1, step: 0.25, loss: 0 },
    ]);
    expect([...weights]).toEqual([0.75, 0.25, 0]);
    expect([...chosen]).toEqual([0, 1]);
  });
});

describe('the rate', () => {
  it('of line-searched selection is at most 2C/(k + 2) above the best of the convex hull', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const N = 12;
      const { neurons, rows, y } = twoLayerNet(seed, N, 20);
      const optimum = hullOptimum(neurons, N, y);
      const C = widestPair(rows);
      const { history } = greedyForwardSelection(neurons, y, { size: 60, step: 'line-search' });
      history.forEach((record, at) => expect(record.loss - optimum).toBeLessThanOrEqual((2 * C) / (at + 3)));
      for (let at = 1; at < history.length; at++)
        expect(history[at]!.loss).toBeLessThanOrEqual(history[at - 1]!.loss + 1e-12);
    }
  });

  it('of the uniform average is at most C(1 + ln k)/2k above it', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const N = 12;
      const { neurons, rows, y } = twoLayerNet(seed, N, 20);
      const optimum = hullOptimum(neurons, N, y);
      const C = widestPair(rows);
      const { history } = greedyForwardSelection(neurons, y, { size: 60 });
      history.forEach((record, at) =>
        expect(record.loss - optimum).toBeLessThanOrEqual((C * (1 + Math.log(at + 1))) / (2 * (at + 1))),
      );
    }
  });

  it('of the uniform average is 1/k² where the targets lie inside the hull, as Ye et al. prove', () => {
    // Neurons ±e_j in five dimensions: the hull is the L1 ball, whose distance from y to the boundary is (1 - ‖y‖₁)/√5.
    const m = 5;
    const neurons = new Float64Array(2 * m * m);
    for (let j = 0; j < m; j++) {
      neurons[2 * j * m + j] = 1;
      neurons[(2 * j + 1) * m + j] = -1;
    }
    const y = Float64Array.of(0.11, -0.07, 0.13, 0.02, -0.05);
    const radius = (1 - y.reduce((sum, v) => sum + Math.abs(v), 0)) / Math.sqrt(m);
    const D = Math.sqrt(1 + 2 * 0.13 + y.reduce((sum, v) => sum + v * v, 0));
    const bound = Math.max(D, D ** 2 / (2 * radius)) ** 2 / 2;
    const { history } = greedyForwardSelection(neurons, y, { size: 3000 });
    history.forEach((record, at) => expect(record.loss * (at + 1) ** 2).toBeLessThanOrEqual(bound));
    expect(history.at(-1)!.loss).toBeLessThan(1e-6);
  });
});

describe('limits', () => {
  it('distinct stops new neurons, not repetitions', () => {
    const { neurons, y } = twoLayerNet(8, 20, 30);
    const free = greedyForwardSelection(neurons, y, { size: 40 });
    const bound = greedyForwardSelection(neurons, y, { size: 40, distinct: 3 });
    expect(free.chosen.length).toBeGreaterThan(3);
    expect(bound.chosen).toHaveLength(3);
    expect(bound.history).toHaveLength(40);
  });

  it('one neuron and one example are enough', () => {
    const { chosen, history } = greedyForwardSelection(Float64Array.of(2), Float64Array.of(3), { size: 2 });
    expect([...chosen]).toEqual([0]);
    expect(history.at(-1)!.loss).toBe(0.5);
  });

  it.each([
    ['size', { size: 0 }],
    ['step', { size: 1, step: 'long' as 'uniform' }],
    ['distinct', { size: 1, distinct: 0 }],
  ])('refuses a bad %s', (message, options) => {
    expect(() => greedyForwardSelection(Float64Array.of(1, 2), Float64Array.of(1), options)).toThrow(
      ArgumentError,
    );
    expect(() => greedyForwardSelection(Float64Array.of(1, 2), Float64Array.of(1), options)).toThrow(message);
  });

  it('refuses sizes that disagree, NaN and overflow', () => {
    expect(() => greedyForwardSelection(new Float64Array(5), new Float64Array(2), { size: 1 })).toThrow(
      ArgumentError,
    );
    expect(() => greedyForwardSelection(new Float64Array(0), new Float64Array(0), { size: 1 })).toThrow(
      ArgumentError,
    );
    expect(() => greedyForwardSelection(Float64Array.of(NaN), Float64Array.of(1), { size: 1 })).toThrow(
      NonFiniteError,
    );
    expect(() => greedyForwardSelection(Float64Array.of(1e200), Float64Array.of(1), { size: 1 })).toThrow(
      /overflow/,
    );
  });
});
