import { self } from '@ockham/core/comm';
import { lstsq } from '@ockham/core/linalg/lstsq';
import { randomProblem, solve, type MethodName, type SolveOptions } from '@ockham/feature-subsample';
import { describe, expect, it } from 'vitest';

const quick: Partial<Record<MethodName, SolveOptions>> = {
  gd: { rounds: 80 },
  cg: { rounds: 40 },
  sgd: { rounds: 3000, recordEvery: 500 },
  'control-variate': { rounds: 150, alpha: 0.8, snapshotEvery: 5 },
  fedsplit: { rounds: 150, localSteps: 10 },
  fedpd: { rounds: 300, localSteps: 5, recordEvery: 50 },
  scaffold: { rounds: 500, localSteps: 5, recordEvery: 50 },
};

describe.each(Object.entries(quick))('%s', (method, options) => {
  it('reaches the least-squares optimum of an overdetermined problem', async () => {
    const { A, b } = randomProblem(60, 20, { seed: 3, condition: 2, noise: 0.2 });
    const { x } = lstsq(A, { rows: 60, columns: 1, values: b });
    const r = await solve(A, b, {
      method: method as MethodName,
      optimum: x.values,
      guard: 'off',
      ...options,
    });
    const first = r.history[0]!.distance!;
    // SGD with a constant step stays in a ball around it
    expect(r.history.at(-1)!.distance! / first).toBeLessThan(method === 'sgd' ? 0.3 : 1e-5);
  });
});

it('gradient descent is x − ηAᵀ(Ax − b), by hand', async () => {
  const A = [
    [2, 0],
    [0, 1],
  ];
  const { x } = await solve(A, [2, 3], { method: 'gd', rounds: 1, learningRate: 0.25, workers: 1 });
  expect([...x]).toEqual([1, 0.75]);
});

it('the masked gradient without a mask is the gradient, whatever the method', async () => {
  const { A, b } = randomProblem(30, 12, { seed: 1 });
  const options = { alpha: 1, workers: 3, rounds: 4, learningRate: 0.5, guard: 'off' } as const;
  const plain = await solve(A, b, { ...options, method: 'gd' });
  for (const method of ['masked', 'deregularised'] as const) {
    const { x } = await solve(A, b, { ...options, method });
    x.forEach((value, i) => expect(value).toBeCloseTo(plain.x[i]!, 12));
  }
});

it('the same seed gives the same bits, another seed others', async () => {
  const { A, b } = randomProblem(40, 30, { seed: 2 });
  const options = { rounds: 20, alpha: 0.5, guard: 'off' } as const;
  const one = await solve(A, b, { ...options, seed: 5 });
  expect((await solve(A, b, { ...options, seed: 5, transport: self() })).x).toEqual(one.x);
  expect((await solve(A, b, { ...options, seed: 6 })).x).not.toEqual(one.x);
});

it('the biased Algorithm 3 stops above the deregularised Algorithm 4', async () => {
  const { A, b, optimum } = randomProblem(80, 40, { seed: 4 });
  const options = {
    rounds: 300,
    alpha: 0.8,
    halveEvery: 40,
    optimum,
    guard: 'off',
    recordEvery: 300,
  } as const;
  const biased = await solve(A, b, { ...options, method: 'masked' });
  const unbiased = await solve(A, b, { ...options, method: 'deregularised' });
  expect(biased.history.at(-1)!.distance!).toBeGreaterThan(5 * unbiased.history.at(-1)!.distance!);
});

it('momentum and Chebyshev need fewer rounds than plain steps at κ = 10', async () => {
  const { A, b, optimum } = randomProblem(60, 40, { seed: 4, condition: 10 });
  const options = {
    rounds: 900,
    alpha: 0.8,
    optimum,
    tolerance: 1e-6,
    guard: 'off',
    snapshotEvery: 5,
  } as const;
  const rounds = async (acceleration: 'none' | 'nesterov' | 'chebyshev'): Promise<number> =>
    (await solve(A, b, { ...options, acceleration })).history.at(-1)!.round;
  const plain = await rounds('none');
  expect(await rounds('nesterov')).toBeLessThan(plain / 3);
  expect(await rounds('chebyshev')).toBeLessThan(plain / 3);
});

it('stops where the tolerance is met, and says so', async () => {
  const { A, b } = randomProblem(20, 40, { seed: 1 });
  const r = await solve(A, b, { method: 'cg', tolerance: 1e-8, rounds: 100 });
  expect(r.status).toBe('converged');
  expect(r.certificate.residual).toBeLessThan(1e-8);
  expect(r.certificate.dualityGap).toBeLessThan(1e-15);
});

it('a single row and a single column are solved', async () => {
  const r = await solve([[2]], [6], { method: 'gd', rounds: 3, workers: 2, guard: 'off' });
  expect([...r.x]).toEqual([3]);
});

describe('bad input is refused', () => {
  const A = [
    [1, 2],
    [3, 4],
    [5, 6],
  ];
  it.each<[string, () => Promise<unknown>, string]>([
    ['b of another length', () => solve(A, [1, 2]), 'one number for each row of A, 3, got 2'],
    ['ragged rows', () => solve([[1, 2], [3]], [1, 2]), 'all rows as long as the first (2), got 1 in row 1'],
    ['no rows', () => solve([], []), 'at least one row'],
    [
      'NaN in A',
      () =>
        solve(
          [
            [1, 2],
            [NaN, 1],
          ],
          [1, 2],
        ),
      'got NaN in row 1, column 0',
    ],
    ['an infinite b', () => solve(A, [1, Infinity, 1]), 'every value of b must be finite, got Infinity at 1'],
    [
      'a zero column',
      () =>
        solve(
          [
            [1, 0],
            [2, 0],
          ],
          [1, 2],
        ),
      'column 1 of A is zero',
    ],
    ['alpha 0', () => solve(A, [1, 2, 3], { alpha: 0 }), 'alpha must be in (0, 1]'],
    ['alpha above 1', () => solve(A, [1, 2, 3], { alpha: 1.1 }), 'alpha must be in (0, 1]'],
    ['no workers', () => solve(A, [1, 2, 3], { workers: 0 }), 'workers (L) must be a whole number from 1'],
    [
      'half a local step',
      () => solve(A, [1, 2, 3], { localSteps: 0.5 }),
      'localSteps (T) must be a whole number',
    ],
    [
      'a fixed size of one',
      () => solve(A, [1, 2, 3], { alpha: 0.5, masks: 'fixed' }),
      'two features at least',
    ],
    [
      'T > 1 for Algorithm 4',
      () => solve(A, [1, 2, 3], { method: 'deregularised', localSteps: 2 }),
      'unbiased for localSteps = 1 alone',
    ],
    [
      'an unknown method',
      () => solve(A, [1, 2, 3], { method: 'newton' as 'gd' }),
      'method must be one of gd',
    ],
    [
      'Algorithm 2 as printed',
      () => solve(A, [1, 2, 3], { method: 'sgd', form: 'printed' }),
      'which is not defined',
    ],
    ['a step of 0', () => solve(A, [1, 2, 3], { learningRate: 0 }), 'learningRate must be above 0'],
    ['a start of another length', () => solve(A, [1, 2, 3], { start: [1] }), 'start must have 2 numbers'],
    ['a broken seed', () => solve(A, [1, 2, 3], { seed: 0.5, alpha: 1 }), 'seed must be a safe integer'],
    [
      'a transposed matrix',
      () => solve({ rows: 2, columns: 3, values: new Float64Array(5) }, [1, 2]),
      'rows × columns values',
    ],
  ])('%s', async (_, run, message) => {
    await expect(run()).rejects.toThrow(message);
  });
});

it('stops at the signal with a named error', async () => {
  const { A, b } = randomProblem(20, 10, { seed: 1 });
  const stop = new AbortController();
  const run = solve(A, b, {
    method: 'gd',
    signal: stop.signal,
    progress: ({ done }) => done === 3 && stop.abort(),
  });
  await expect(run).rejects.toMatchObject({ code: 'aborted' });
});
