import { randomProblem, readCsv, solve, standardise, type SolveOptions } from '@ockham/feature-subsample';
import { lstsq } from '@ockham/core/linalg/lstsq';
import { Random } from '@ockham/core/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const rows = (n: number, row: (i: number) => number[]): number[][] =>
  Array.from({ length: n }, (_, i) => row(i));
const ones = (n: number): number[] => new Array<number>(n).fill(1);

describe('columns that are combinations of others are refused by name', () => {
  it.each<[string, number[][], string]>([
    [
      'a repeated column',
      rows(6, (i) => [i * i, i + 1, i * i]),
      'A has rank 2, below its 3 columns: column 2 repeats column 0. The answer is not unique. Leave the column out',
    ],
    ['a multiple', rows(6, (i) => [i + 1, -2 * (i + 1)]), 'column 1 is -2 times column 0'],
    [
      'a sum',
      rows(6, (i) => [i + 1, Math.sin(i), i * i, i + 1 + 3 * Math.sin(i)]),
      'column 3 is a combination of columns 0 and 1',
    ],
    [
      'one constant twice over: groups of indicators',
      rows(9, (i) => [0, 1, 2, 0, 1, 2].map((k, p) => (p < 3 ? +(i % 3 === k) : +((i >> 1) % 3 === k)))),
      'below its 6 columns: column 3 is a combination of columns 0, 1, 2, 4 and 1 more',
    ],
    [
      'two of them, a square matrix',
      rows(4, (i) => [i + 1, 2 * i + 2, Math.cos(i), i + 1]),
      'column 1 is 2 times column 0; column 3 repeats column 0. The answer is not unique. Leave these columns out',
    ],
    ['columns of very different size', rows(6, (i) => [1e9 * (i + 1), i * i, 1e-6 * (i + 1)]), 'column 2 is'],
    ['more than are named', rows(9, (i) => new Array<number>(8).fill(i + 1)), 'and 2 more'],
  ])('%s', async (_, A, message) => {
    const run = solve(A, ones(A.length), { guard: 'off' });
    await expect(run).rejects.toMatchObject({ name: 'ArgumentError' });
    await expect(solve(A, ones(A.length), { method: 'fedavg', workers: 2 })).rejects.toThrow(message);
  });
});

it('with a warning, one least-squares solution of many comes back', async () => {
  const { A, b } = randomProblem(30, 6, { seed: 1, noise: 0.2 });
  const doubled = {
    rows: 30,
    columns: 7,
    values: Float64Array.from({ length: 210 }, (_, p) => A.values[Math.floor(p / 7) * 6 + ((p % 7) % 6)]!),
  };
  const best = lstsq(doubled, { rows: 30, columns: 1, values: b }).x.values;
  const options: SolveOptions = { collinear: 'warn', method: 'cg', rounds: 30, guard: 'off', optimum: best };
  const r = await solve(doubled, b, options);
  expect(r.warnings).toEqual([
    'solve: A has rank 6, below its 7 columns: column 6 repeats column 0. x is one least-squares solution of many.',
  ]);
  expect(r.history.at(-1)!.distance!).toBeLessThan(1e-10);
  expect((await solve(doubled, b, { ...options, collinear: 'off' })).warnings).toEqual([]);
});

it('more columns than rows are no fault, and dependent rows a warning', async () => {
  const { A, b } = randomProblem(10, 20, { seed: 1 });
  expect((await solve(A, b, { method: 'cg', rounds: 10 })).warnings).toEqual([]);
  A.values.copyWithin(7 * 20, 2 * 20, 3 * 20);
  const { warnings } = await solve(A, b, { method: 'cg', rounds: 10 });
  expect(warnings[0]).toContain('rank 9, below its 10 rows: row 7 repeats row 2. Where b differs');
  A.values.fill(0, 20, 40);
  expect((await solve(A, b, { method: 'cg', rounds: 0 })).warnings[0]).toContain(
    'row 1 is zero; row 7 repeats',
  );
});

it('ill-conditioned columns are not called dependent', async () => {
  // powers of nearly equal numbers: κ above 1e8, where the spectrum of AᵀA cannot tell
  const A = rows(20, (i) => [0, 1, 2, 3].map((power) => (1 + i / 2000) ** power));
  expect((await solve(A, ones(20), { method: 'cg', rounds: 4, guard: 'off' })).warnings).toEqual([]);
  const small = rows(20, (i) => [1e9 + i, 1e-3 * Math.sin(i)]);
  expect((await solve(small, ones(20), { method: 'cg', rounds: 4, guard: 'off' })).warnings).toEqual([]);
});

it('standardised shares of a whole are found', async () => {
  const random = new Random(3);
  const lines = rows(40, () => {
    const [u, v] = [random.integer(30), random.integer(30)];
    return [u, v, 100 - u - v, random.integer(9)];
  });
  const { A, b } = standardise(readCsv(`a,b,c,y\n${lines.map((line) => line.join(',')).join('\n')}\n`));
  await expect(solve(A, b)).rejects.toThrow('column 2 is a combination of columns 0 and 1');
});

it('a planted combination is found at whatever place, size and shape, and none without', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.nat(1e6),
        d: fc.integer({ min: 2, max: 12 }),
        extra: fc.nat(12),
        scale: fc.double({ min: -6, max: 6, noNaN: true }),
      }),
      async ({ seed, d, extra, scale }) => {
        const n = d + extra;
        const { A, b } = randomProblem(n, d, { seed, condition: 5 });
        const options: SolveOptions = { method: 'gd', rounds: 0, guard: 'off' };
        expect((await solve(A, b, options)).warnings).toEqual([]);
        const random = new Random(seed).stream('planted');
        const at = random.integer(d);
        const weights = Float64Array.from({ length: d }, () => random.normal());
        for (let i = 0; i < n; i++) {
          let sum = 0;
          for (let j = 0; j < d; j++) if (j !== at) sum += weights[j]! * A.values[i * d + j]!;
          A.values[i * d + at] = 10 ** scale * sum;
        }
        await expect(solve(A, b, options)).rejects.toThrow(`A has rank ${d - 1}, below its ${d} columns`);
      },
    ),
    { numRuns: 60 },
  );
});
