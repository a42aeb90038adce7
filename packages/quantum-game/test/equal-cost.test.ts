import {
  compareAtEqualCost,
  hydrogen,
  lowestLevels,
  quantumGame,
  realAmplitudes,
  vqd,
} from '@ockham/quantum-game';
import { expect, it } from 'vitest';

it('compares methods at equal cost: an interval around the median, fewer errors for more calls', () => {
  const exact = [...lowestLevels(hydrogen(), 3).values];
  const ansatz = realAmplitudes(2);
  const rows = compareAtEqualCost(
    {
      game: ({ seed, maxCalls }) =>
        quantumGame(hydrogen(), ansatz, 3, { seed, maxCalls: maxCalls / 3, restarts: 0 }),
      vqd: ({ seed, maxCalls }) => vqd(hydrogen(), ansatz, 3, { seed, maxCalls: maxCalls / 3, restarts: 0 }),
    },
    { exact, seeds: [1, 2, 3, 4, 5, 6, 7], budgets: [12, 60] },
  );
  expect(rows.map(({ method, budget }) => `${method} ${budget}`)).toEqual([
    'game 12',
    'game 60',
    'vqd 12',
    'vqd 60',
  ]);
  for (const { error, interval } of rows) {
    expect(error).toBeGreaterThanOrEqual(interval[0]);
    expect(error).toBeLessThanOrEqual(interval[1]);
  }
  expect(rows[1]!.error).toBeLessThan(rows[0]!.error / 100);
  expect(rows[0]!.calls).toBeLessThan(12 + 3 * 20);
  expect(() => compareAtEqualCost({}, { exact, seeds: [1], budgets: [1] })).toThrow('at least one method');
});
