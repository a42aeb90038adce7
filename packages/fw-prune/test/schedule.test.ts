import { describe, expect, it } from 'vitest';
import { pruningIterations, sparsityAt, type ScheduleSettings } from '../src/schedule.ts';

const base: ScheduleSettings = {
  schedule: 'linear',
  pruneAt: 'every',
  iterations: 5,
  initialSparsity: 0.1,
  sparsity: 0.9,
  sparsityStep: 'N-1',
  ramp: 1,
};
const sparsities = (change: Partial<ScheduleSettings>) => {
  const settings = { ...base, ...change };
  return Array.from({ length: settings.iterations }, (_, i) => sparsityAt(i + 1, settings));
};
const rounded = (values: (number | undefined)[]) => values.map((s) => s && Number(s.toFixed(12)));

describe('sparsityAt', () => {
  it('rises in equal steps from the initial to the final sparsity', () => {
    expect(rounded(sparsities({}))).toEqual([0.1, 0.3, 0.5, 0.7, 0.9]);
  });

  it('stops one step short where Δs is divided by N as printed', () => {
    expect(rounded(sparsities({ sparsityStep: 'N' }))).toEqual([0.1, 0.26, 0.42, 0.58, 0.74]);
  });

  it('rises fast at first and slowly at the end with the cubic schedule', () => {
    // 0.9 − 0.8 (1 − t)³ at t = 0, 1/4, 1/2, 3/4, 1
    expect(rounded(sparsities({ schedule: 'cubic' }))).toEqual([0.1, 0.5625, 0.8, 0.8875, 0.9]);
  });

  it('prunes to the final sparsity at once with one-shot', () => {
    expect(sparsities({ schedule: 'one-shot', iterations: 2 })).toEqual([0.9, 0.9]);
  });

  it('prunes to the final sparsity in a single iteration whatever the schedule', () => {
    for (const schedule of ['one-shot', 'linear', 'cubic'] as const) {
      expect(sparsities({ schedule, iterations: 1 })).toEqual([0.9]);
    }
    expect(sparsities({ iterations: 1, sparsityStep: 'N' })).toEqual([0.1]);
  });

  it('reaches the final sparsity early with a ramp and stays there', () => {
    expect(rounded(sparsities({ ramp: 0.6 }))).toEqual([0.1, 0.5, 0.9, 0.9, 0.9]);
    expect(rounded(sparsities({ ramp: 0.1 }))).toEqual([0.9, 0.9, 0.9, 0.9, 0.9]);
    expect(rounded(sparsities({ ramp: 0.4, sparsityStep: 'N' }))).toEqual([0.1, 0.5, 0.9, 0.9, 0.9]);
  });

  it('ends at the final sparsity to the bit', () => {
    for (const schedule of ['linear', 'cubic'] as const) {
      expect(sparsities({ schedule, iterations: 7, initialSparsity: 0.07, sparsity: 0.95 }).at(-1)).toBe(
        0.95,
      );
    }
  });
});

describe('pruningIterations', () => {
  it.each([
    ['every', 4, [1, 2, 3, 4]],
    ['halves', 2, [1, 2]],
    ['halves', 4, [2, 4]],
    ['halves', 5, [2, 5]],
    ['printed-halves', 4, [2, 4]],
    ['printed-halves', 5, [5]],
    ['printed-halves', 1, [1]],
  ] as const)('%s of %i are %j', (pruneAt, iterations, expected) => {
    expect(pruningIterations({ pruneAt, iterations })).toEqual(expected);
  });
});
