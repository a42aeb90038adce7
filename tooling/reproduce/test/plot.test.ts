import { describe, expect, it } from 'vitest';
import { lineOverSeeds } from '../src/plot.ts';

const rows = [0.1, 0.0001, 0].map((error, seed) => ({ seed, method: 'ours', step: 1, error }));
const plot = (scale: 'linear' | 'log') =>
  lineOverSeeds(rows, { title: '', series: 'method', x: { field: 'step' }, y: { field: 'error', scale } });
const band = (scale: 'linear' | 'log') =>
  (plot(scale).data as { values: { mean: number; low: number; high: number; n: number }[] }).values[0]!;

describe('lineOverSeeds', () => {
  it('shows the mean and the standard deviation over seeds', () => {
    const { mean, low, high, n } = band('linear');
    expect([mean, n]).toEqual([expect.closeTo(0.1001 / 3), 3]);
    expect(high - mean).toBeCloseTo(mean - low);
    expect(low).toBeLessThan(0);
  });

  it('shows those of the logarithm on a logarithmic axis, without what is not above zero', () => {
    const { mean, low, high, n } = band('log');
    expect(n).toBe(2);
    expect(mean).toBeCloseTo(Math.sqrt(0.1 * 0.0001));
    expect(low).toBeGreaterThan(0);
    expect(high / mean).toBeCloseTo(mean / low);
  });

  it('keeps the band of a share between 0 and 1', () => {
    const shares = [1, 0.98, 1].map((share, seed) => ({ seed, method: 'ours', step: 1, share }));
    const { data } = lineOverSeeds(shares, {
      title: '',
      series: 'method',
      x: { field: 'step' },
      y: { field: 'share', format: '.0%' },
    });
    const [{ low, high }] = (data as { values: [{ low: number; high: number }] }).values;
    expect(low).toBeLessThan(0.99);
    expect(high).toBe(1);
  });
});
