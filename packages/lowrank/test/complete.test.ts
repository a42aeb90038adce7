import { AbortedError, ArgumentError, NonFiniteError } from '@ockham/core';
import { complete, completionProblem, type ObservedEntries } from '@ockham/lowrank/recovery';
import { describe, expect, it } from 'vitest';

const sizes = { rows: 40, columns: 30, rank: 2, observed: 0.5 } as const;
const problem = completionProblem({ seed: 1, ...sizes });

describe('complete', () => {
  it.each([true, false])('fills in what is not seen (robust: %s)', async (robust) => {
    const { history, status, factors, W } = await complete(problem, { rank: 2, robust });
    expect(history.at(-1)!.error).toBeLessThan(1e-8);
    expect([status, factors.A.columns, W.rows, W.columns]).toEqual(['converged', 2, 40, 30]);
  });

  it('finds the matrix among gross errors, and which they are', async () => {
    const corrupted = completionProblem({ seed: 2, ...sizes, corrupted: 0.1 });
    const { history, weights } = await complete(corrupted, { rank: 2 });
    expect(history.at(-1)!.error).toBeLessThan(1e-8);
    const { row, column, truth } = corrupted;
    for (const [at, value] of corrupted.value.entries()) {
      const off = Math.abs(value - truth.values[row[at]! * 30 + column[at]!]!);
      if (off > 1e-3) expect(weights[at]).toBeLessThan(1e-6);
    }
    const plain = await complete(corrupted, { rank: 2, robust: false, rounds: 50 });
    expect(plain.history.at(-1)!.error).toBeGreaterThan(0.1);
    expect(plain.warnings).toHaveLength(1);
  });

  it('keeps the bits of a seed', async () => {
    const run = () => complete(problem, { rank: 2, seed: 4 });
    expect(await run()).toEqual(await run());
  });

  it('completes a matrix of one column', async () => {
    const column: ObservedEntries = {
      rows: 3,
      columns: 1,
      row: Int32Array.of(0, 1, 2),
      column: new Int32Array(3),
      value: Float64Array.of(1, -2, 3),
    };
    const { W } = await complete(column, { rank: 1 });
    for (const [i, value] of [1, -2, 3].entries()) expect(W.values[i]).toBeCloseTo(value, 10);
  });

  it('refuses a row with fewer entries than the rank, by its number', async () => {
    const kept = [...problem.row.keys()].filter((at) => problem.row[at] !== 7);
    const entries = {
      ...problem,
      row: Int32Array.from(kept, (at) => problem.row[at]!),
      column: Int32Array.from(kept, (at) => problem.column[at]!),
      value: Float64Array.from(kept, (at) => problem.value[at]!),
    };
    await expect(complete(entries, { rank: 2 })).rejects.toThrow(/0 in row 7/);
  });

  it.each<[string, Partial<ObservedEntries>, number]>([
    ['a rank beyond min(rows, columns)', {}, 31],
    ['rank 0', {}, 0],
    ['lists of different lengths', { row: new Int32Array(3) }, 2],
    ['places outside', { row: problem.row.map(() => 99) }, 2],
    ['a place that comes twice', { row: problem.row.map(() => 0), column: problem.column.map(() => 0) }, 2],
  ])('refuses %s', async (_, change, rank) => {
    await expect(complete({ ...problem, ...change }, { rank })).rejects.toThrow(ArgumentError);
  });

  it('refuses NaN, and stops by its signal', async () => {
    const value = problem.value.slice();
    value[5] = NaN;
    await expect(complete({ ...problem, value }, { rank: 2 })).rejects.toThrow(NonFiniteError);
    await expect(complete(problem, { rank: 2, signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
  });

  it.each([{ rank: 31 }, { observed: 0 }, { corrupted: 0.7 }, { rows: 0 }])(
    'makes no problem with %j',
    (change) => {
      expect(() => completionProblem({ seed: 1, ...sizes, ...change })).toThrow(ArgumentError);
    },
  );
});
