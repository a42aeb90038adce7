import { describe, expect, it } from 'vitest';
import {
  compareOverSeeds,
  differenceAtLeast,
  formatStatistics,
  groupBy,
  inEveryRow,
  meanAtLeast,
  meanAtMost,
  overSeeds,
  where,
} from '../src/index.ts';

interface Measured {
  readonly seed: number;
  readonly at: number;
  readonly value: number;
}

const rows = (values: readonly number[], at = 1): Measured[] =>
  values.map((value, seed) => ({ seed, at, value }));
const value = (row: Measured) => row.value;

describe('overSeeds', () => {
  it('averages the rows of a seed first, so that n counts seeds', () => {
    const statistics = overSeeds([...rows([1, 3]), ...rows([3, 9], 2)], value);
    expect(statistics).toMatchObject({ n: 2, mean: 4 }); // seeds have means 2 and 6
    expect(statistics.sd).toBeCloseTo(Math.sqrt(8), 12);
    expect([...statistics.bySeed]).toEqual([
      [0, 2],
      [1, 6],
    ]);
  });

  it('has no spread with one seed and no mean without rows', () => {
    expect(overSeeds(rows([5]), value)).toMatchObject({ n: 1, mean: 5, sd: 0 });
    expect(overSeeds([], value)).toMatchObject({ n: 0, mean: NaN });
  });
});

describe('where and groupBy', () => {
  it('select by several columns and keep the order of appearance', () => {
    const all = [...rows([1, 2], 7), ...rows([3], 5)];
    expect(where(all, { at: 7, seed: 1 })).toEqual([{ seed: 1, at: 7, value: 2 }]);
    expect([...groupBy(all, (row) => row.at).keys()]).toEqual([7, 5]);
  });
});

describe('compareOverSeeds', () => {
  // Student's sleep data: scipy.stats.ttest_rel gives t = 4.0621, two-sided p = 0.002833.
  const drug1 = rows([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]);
  const drug2 = rows([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]);

  it("gives the one-sided p of Student's sleep data", () => {
    const { holds, values } = compareOverSeeds(drug2, drug1, value, { names: ['two', 'one'] });
    expect(holds).toBe(true);
    expect(values.p).toBeCloseTo(0.002833 / 2, 6);
    expect(values.difference).toBeCloseTo(1.58, 12);
    expect(values.two).toBeCloseTo(2.33, 12);
  });

  it('fails a claim that is significantly the other way round, and honours "lower is better"', () => {
    expect(compareOverSeeds(drug1, drug2, value).holds).toBe(false);
    expect(compareOverSeeds(drug1, drug2, value, { better: 'lower' }).holds).toBe(true);
  });

  it('does not decide with overlapping spreads, or with fewer than two seeds in common', () => {
    const near = compareOverSeeds(rows([1, 2, 3]), rows([1.5, 1.4, 3.2]), value);
    expect(near.holds).toBeNull();
    expect(near.why).toContain('within the spread');
    const single = compareOverSeeds(rows([2]), rows([1]), value);
    expect(single.holds).toBeNull();
    expect(single.why).toContain('1 seed in common');
    const apart = compareOverSeeds(rows([2, 2]), [{ seed: 8, at: 1, value: 1 }], value);
    expect(apart.holds).toBeNull();
    expect(compareOverSeeds([], drug1, value)).toMatchObject({ holds: null, ours: 'no rows' });
  });

  it('fails a claim of better where every seed is the same, and decides a constant difference', () => {
    expect(compareOverSeeds(rows([1, 2]), rows([1, 2]), value)).toMatchObject({
      holds: false,
      why: 'first and second are the same in every seed',
    });
    expect(compareOverSeeds(rows([1]), rows([1]), value).holds).toBeNull();
    expect(compareOverSeeds(rows([2, 2]), rows([1, 1]), value)).toMatchObject({
      holds: true,
      values: { p: 0 },
    });
  });

  it('asks for the margin', () => {
    expect(compareOverSeeds(drug2, drug1, value, { margin: 0.5 }).holds).toBe(true);
    expect(compareOverSeeds(drug2, drug1, value, { margin: 1.5 }).holds).toBeNull();
    expect(compareOverSeeds(drug2, drug1, value, { margin: 4 }).holds).toBe(false);
  });

  it('holds only if every condition does, and fails if one does', () => {
    const at = (row: Measured) => row.at;
    const other = (shift: number) =>
      drug1.map((row) => ({ ...row, at: 2, value: row.value + shift + 0.01 * row.seed }));
    const one = drug1.map((row) => ({ ...row, at: 2 }));
    const compare = (shift: number) =>
      compareOverSeeds([...drug2, ...other(shift)], [...drug1, ...one], value, { at });
    expect(compare(1).holds).toBe(true);
    expect(compare(-1).holds).toBe(false);
    expect(compare(-0.045)).toMatchObject({ holds: null });
    expect(compare(1).ours).toMatch(/^1: .*; 2: /);
  });
});

describe('bounds on a mean', () => {
  it('are decided by the mean, equality included, and say when the spread reaches across', () => {
    expect(meanAtLeast(rows([0.97, 0.99]), value, 0.98)).toMatchObject({ holds: true });
    expect(meanAtLeast(rows([0.97, 0.98]), value, 0.98, { scale: 100, unit: '%' })).toEqual({
      holds: false,
      ours: '97.50 ± 0.71 % (n = 2)',
      values: { mean: 0.975, sd: expect.closeTo(0.00707, 5), n: 2, bound: 0.98 },
      why: 'the mean is below 98.00 %; the spread over seeds reaches across it',
    });
    expect(meanAtMost(rows([2, 2]), value, 2.18)).toMatchObject({
      holds: true,
      why: 'the mean is at most 2.18',
    });
    expect(meanAtMost(rows([3, 3]), value, 2.18).holds).toBe(false);
    expect(meanAtLeast([], value, 1)).toMatchObject({ holds: null });
  });

  it('hold for differences paired by seed; a seed that only one side has does not count', () => {
    const pruned = rows([0.988, 0.99, 0.5]);
    const dense = rows([0.99, 0.99]);
    const finding = differenceAtLeast(pruned, dense, value, -0.001, { names: ['pruned', 'dense'] });
    expect(finding).toMatchObject({ holds: true, values: { n: 2, mean: expect.closeTo(-0.001, 12) } });
    expect(differenceAtLeast(rows([0.98, 0.98]), dense, value, -0.001).holds).toBe(false);
    expect(differenceAtLeast([], dense, value, -0.001)).toMatchObject({ holds: null, ours: 'no rows' });
  });
});

describe('inEveryRow', () => {
  it('counts rows, names the first exception, and does not decide without rows', () => {
    expect(inEveryRow(rows([1, 2]), (row) => row.value > 0)).toMatchObject({
      holds: true,
      ours: '2 of 2 rows',
    });
    const failed = inEveryRow(rows([1, -2, -3]), (row) => row.value > 0);
    expect(failed).toMatchObject({ holds: false, ours: '1 of 3 rows' });
    expect(failed.why).toContain('"value":-2');
    expect(inEveryRow([], () => true).holds).toBeNull();
  });
});

describe('formatStatistics', () => {
  it('shows the spread only where there is one, with a true minus sign and no negative zero', () => {
    expect(formatStatistics(overSeeds(rows([-1.234]), value))).toBe('−1.23 (n = 1)');
    expect(formatStatistics(overSeeds(rows([-0.001]), value))).toBe('0.00 (n = 1)');
    expect(formatStatistics(overSeeds(rows([1, 2]), value), { digits: 1, unit: 'ms' })).toBe(
      '1.5 ± 0.7 ms (n = 2)',
    );
  });
});
