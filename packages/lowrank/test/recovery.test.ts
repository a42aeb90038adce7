import { AbortedError, ArgumentError, NonFiniteError, NothingChangedError } from '@ockham/core';
import { simulate } from '@ockham/core/comm';
import { matrix, multiply, svd, type Matrix } from '@ockham/core/linalg/matrices';
import {
  estimateRank,
  recover,
  recoveryProblem,
  type RecoverOptions,
  type RecoveryMethod,
  type RecoveryProblem,
} from '@ockham/lowrank/recovery';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const small = { samples: 200, inputs: 20, outputs: 16, rank: 4 } as const;
const clean = recoveryProblem({ seed: 1, ...small });
const noisy = recoveryProblem({ seed: 2, ...small, snr: 20 });
const norm = ({ values }: Matrix): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
const minus = (a: Matrix, b: Matrix): Matrix =>
  matrix(
    a.rows,
    a.columns,
    a.values.map((v, at) => v - b.values[at]!),
  );
const error = ({ truth }: RecoveryProblem, W: Matrix): number => norm(minus(W, truth)) / norm(truth);

const lowRank = ['projected-gradient', 'factorised', 'scaled', 'sequential', 'parallel'] as const;
const iterative = ['gradient-descent', ...lowRank] as const;

describe('recoveryProblem', () => {
  it('has rows of unit length, the singular values asked for, and no noise by default', () => {
    const { X, Y, truth } = clean;
    for (let i = 0; i < X.rows; i++)
      expect(Math.hypot(...X.values.subarray(i * 20, i * 20 + 20))).toBeCloseTo(1, 12);
    const { s } = svd(truth);
    for (let i = 1; i <= 4; i++) expect(s[i - 1]! * i).toBeCloseTo(1, 12);
    expect(s[4]).toBeLessThan(1e-14);
    expect(norm(minus(Y, multiply(X, truth)))).toBe(0);
  });

  it('adds noise of the power asked for', () => {
    const problem = recoveryProblem({ seed: 3, samples: 500, snr: 10 });
    const signal = multiply(problem.X, problem.truth);
    const decibels = 20 * Math.log10(norm(signal) / norm(minus(problem.Y, signal)));
    expect(Math.abs(decibels - 10)).toBeLessThan(0.1);
  });

  it('is the same for the same seed, and another for another', () => {
    expect(recoveryProblem({ seed: 1, ...small })).toEqual(clean);
    expect(recoveryProblem({ seed: 9, ...small }).truth).not.toEqual(clean.truth);
  });

  it.each([
    { rank: 17 },
    { rank: 0 },
    { samples: 0 },
    { snr: NaN },
    { corrupted: 0.5 },
    { spectrum: () => 0 },
  ])('refuses %j', (options) => {
    expect(() => recoveryProblem({ seed: 1, ...small, ...options })).toThrow(ArgumentError);
  });
});

describe('recover', () => {
  it.each(['direct', ...iterative] as const)('%s finds W* without noise to 1e-8', async (method) => {
    const { W, status, rank, certificate } = await recover(clean, { method });
    expect(error(clean, W)).toBeLessThan(1e-8);
    expect(status).toBe('converged');
    expect(rank).toBe(method === 'gradient-descent' ? 16 : 4);
    expect(certificate.distance).toBeLessThan(1e-9);
  });

  it.each(lowRank)('%s ends at the global minimum over its rank with noise too', async (method) => {
    const { certificate, factors } = await recover(noisy, { method, rank: 3 });
    expect(certificate.residual).toBeCloseTo(certificate.bound, 12);
    expect(factors!.A.columns).toBe(3);
  });

  it('direct attains the residual of the singular values that are cut off', async () => {
    const { W, certificate } = await recover(noisy, { method: 'direct', rank: 2 });
    const { u } = svd(noisy.X);
    const fitted = multiply(u, multiply(u, noisy.Y, { transposeA: true }));
    const tail = Math.hypot(...svd(fitted).s.subarray(2), norm(minus(noisy.Y, fitted)));
    expect(norm(minus(noisy.Y, multiply(noisy.X, W)))).toBeCloseTo(tail, 10);
    expect(certificate.bound * norm(noisy.Y)).toBeCloseTo(tail, 10);
    expect(
      svd(W)
        .s.subarray(2)
        .every((value) => value < 1e-12),
    ).toBe(true);
  });

  it.each(['sequential', 'parallel'] as const)(
    '%s has the best fit of every rank on its way',
    async (method) => {
      const { factors } = await recover(noisy, { method, rank: 4 });
      for (const k of [1, 2, 3, 4]) {
        const { W } = await recover(noisy, { method: 'direct', rank: k });
        const part = matrix(20, 16);
        for (let i = 0; i < 20; i++) {
          for (let j = 0; j < 16; j++) {
            for (let c = 0; c < k; c++)
              part.values[i * 16 + j]! += factors!.A.values[i * 4 + c]! * factors!.B.values[j * 4 + c]!;
          }
        }
        expect(norm(minus(part, W)) / norm(W)).toBeLessThan(1e-8);
      }
    },
  );

  it('parallel needs at most half of the rounds of sequential', async () => {
    const rounds = async (method: RecoveryMethod): Promise<number> =>
      (await recover(clean, { method })).rounds;
    expect(await rounds('parallel')).toBeLessThan(0.5 * (await rounds('sequential')));
  });

  it.each([1, 2, 3, 5])('parallel gives on %i ranks the bits of one', async (ranks) => {
    const shared = { method: 'parallel', rank: 4, seed: 3, recordEvery: 10_000 } as const;
    const alone = await recover(noisy, shared);
    const { results } = await simulate(ranks, async ({ comm }) => {
      const { W, rounds } = await recover(noisy, { ...shared, transport: comm });
      return { W, rounds, sent: comm.ledger.total().sent };
    });
    for (const { W, rounds } of results) expect({ W, rounds }).toEqual({ W: alone.W, rounds: alone.rounds });
    expect(results.some(({ sent }) => sent > 0)).toBe(ranks > 1);
  });

  it('scaled needs as many rounds for singular values of 1 to 1/100 as for equal ones', async () => {
    const rounds = async (condition: number): Promise<number> => {
      const spectrum = (i: number): number => condition ** (-(i - 1) / 3);
      const problem = recoveryProblem({ seed: 4, ...small, spectrum });
      return (await recover(problem, { method: 'scaled', recordEvery: 1 })).rounds;
    };
    expect(await rounds(100)).toBeLessThan(1.5 * (await rounds(1)));
  });

  it.each(['factorised', 'scaled'] as const)('%s comes there from small random factors', async (method) => {
    const { W } = await recover(clean, { method, start: 'random', seed: 5 });
    expect(error(clean, W)).toBeLessThan(1e-8);
  });

  it('factors that descend stay balanced', async () => {
    const { factors } = await recover(noisy, { method: 'factorised', rank: 3, start: 'random' });
    const { A, B } = factors!;
    const difference = minus(multiply(A, A, { transposeA: true }), multiply(B, B, { transposeA: true }));
    expect(norm(difference) / norm(A) ** 2).toBeLessThan(1e-6);
  });

  it.each(lowRank)('%s bears a rank above the true one', async (method) => {
    const { W, warnings } = await recover(clean, { method, rank: 6 });
    expect(error(clean, W)).toBeLessThan(1e-8);
    if (method === 'sequential' || method === 'parallel') expect(warnings.at(-1)).toContain('component 6');
  });

  it('subgradient finds W* among gross errors, with a rank above the true one', async () => {
    const problem = recoveryProblem({ seed: 6, ...small, rank: 2, corrupted: 0.2 });
    const { W } = await recover(problem, { method: 'subgradient', rank: 4, decay: 0.95 });
    expect(error(problem, W)).toBeLessThan(1e-8);
    const { W: squares } = await recover(problem, { method: 'direct', rank: 2 });
    expect(error(problem, squares)).toBeGreaterThan(0.1);
  });

  it('recovers one row, one column and rank 1', async () => {
    const shapes = [
      { samples: 1 },
      { samples: 5, inputs: 1, outputs: 7 },
      { samples: 9, inputs: 3, outputs: 1 },
    ];
    for (const sizes of shapes) {
      const problem = recoveryProblem({ seed: 7, inputs: 4, outputs: 5, ...sizes, rank: 1 });
      for (const method of iterative) {
        const { certificate } = await recover(problem, { method, rank: 1 });
        expect(certificate.distance).toBeLessThan(1e-9);
      }
    }
  });

  it('finds a minimum where columns of X depend on each other', async () => {
    const X = matrix(50, 4);
    for (let i = 0; i < 50; i++) {
      const [a, b] = [clean.X.values[20 * i]!, clean.X.values[20 * i + 1]!];
      X.values.set([a, b, a + b, a - b], 4 * i);
    }
    const Y = matrix(50, 16, clean.Y.values.slice(0, 800));
    for (const method of iterative) {
      const { certificate } = await recover({ X, Y }, { method, rank: 2 });
      expect(certificate.distance).toBeLessThan(1e-9);
    }
  });

  it('keeps the bits of a seed, and a history that ends with the result', async () => {
    const run = () => recover(noisy, { method: 'parallel', rank: 2, seed: 8 });
    const first = await run();
    expect(await run()).toEqual(first);
    const { round, error: last, ...certificate } = first.history.at(-1)!;
    expect({ round, certificate }).toEqual({ round: first.rounds, certificate: first.certificate });
    expect(last).toBeGreaterThan(0);
    expect((await recover({ X: noisy.X, Y: noisy.Y })).history.at(-1)!.error).toBeNull();
  });

  it('says so when rounds end before it has converged, and when a method has no rank', async () => {
    const { status, warnings } = await recover(clean, { method: 'factorised', rounds: 3 });
    expect([status, warnings]).toEqual(['rounds', [expect.stringContaining('3 rounds')]]);
    const free = await recover(clean, { method: 'gradient-descent', rank: 2 });
    expect(free.warnings).toEqual([expect.stringContaining('projected-gradient')]);
    expect(free.factors).toBeNull();
  });

  it('stops by its signal, before and on the way', async () => {
    await expect(recover(clean, { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
    const controller = new AbortController();
    const progress = (): void => controller.abort();
    await expect(
      recover(clean, { method: 'sequential', signal: controller.signal, progress }),
    ).rejects.toThrow(AbortedError);
  });

  it.each<[string, RecoverOptions]>([
    ['a rank beyond min(d, m)', { rank: 17 }],
    ['rank 0', { rank: 0 }],
    ['half a rank', { rank: 1.5 }],
    ['an unknown method', { method: 'guess' as 'direct' }],
    ['no rounds', { rounds: 0 }],
    ['a tolerance of 0', { tolerance: 0 }],
    ['a decay of 1', { decay: 1 }],
    ['an unknown start', { start: 'zero' as 'random' }],
  ])('refuses %s', async (_, options) => {
    await expect(recover(clean, options)).rejects.toThrow(ArgumentError);
  });

  it('refuses several ranks for what runs on one', async () => {
    const work = simulate(2, ({ comm }) => recover(clean, { method: 'scaled', transport: comm }));
    await expect(work).rejects.toThrow(/only method parallel/);
  });

  it('refuses Y of another length, NaN and all zeros', async () => {
    const { X, Y } = clean;
    await expect(recover({ X, Y: matrix(3, 2) })).rejects.toThrow(/Y must have 200 rows/);
    const broken = matrix(200, 16, Y.values.slice());
    broken.values[17] = NaN;
    await expect(recover({ X, Y: broken })).rejects.toThrow(NonFiniteError);
    await expect(recover({ X, Y: matrix(200, 16) })).rejects.toThrow(/all zeros/);
  });
});

describe('estimateRank', () => {
  it.each([20, 3, Infinity])('finds the true rank at %d dB for every seed', (snr) => {
    for (let seed = 0; seed < 12; seed++)
      expect(estimateRank(recoveryProblem({ seed, ...small, samples: 400, snr })).rank).toBe(4);
  });

  it('measures the noise', () => {
    const { noise } = estimateRank(noisy);
    const added = minus(noisy.Y, multiply(noisy.X, noisy.truth));
    expect(Math.abs(noise / (norm(added) / Math.sqrt(200 * 16)) - 1)).toBeLessThan(0.05);
  });

  it('finds rank and noise without spare samples, by the median singular value', () => {
    const problem = recoveryProblem({ seed: 3, samples: 60, inputs: 60, outputs: 60, rank: 1, snr: 20 });
    const { rank, noise } = estimateRank(problem);
    const added = minus(problem.Y, multiply(problem.X, problem.truth));
    expect(rank).toBe(1);
    expect(Math.abs(noise / (norm(added) / 60) - 1)).toBeLessThan(0.1);
  });

  it('finds nothing in noise alone, which recover refuses', async () => {
    const { X } = clean;
    const Y = minus(noisy.Y, multiply(noisy.X, noisy.truth));
    expect(estimateRank({ X, Y }).rank).toBe(0);
    await expect(recover({ X, Y })).rejects.toThrow(NothingChangedError);
  });

  it('does not depend on the scale of Y', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (scale) => {
        const scaled = noisy.Y.values.map((value) => scale * value);
        expect(estimateRank({ X: noisy.X, Y: matrix(200, 16, scaled) }).rank).toBe(4);
      }),
      { numRuns: 10, seed: 1 },
    );
  });
});
