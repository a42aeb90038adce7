import { describe, expect, it } from 'vitest';
import { bitSchedule, periodFactors } from '../../src/compress/training/bit-schedule.ts';

describe('bitSchedule', () => {
  it('takes a bit after each period, and each period is longer than the one before', () => {
    const bits = bitSchedule({ start: 8, target: 5, period: 10 });
    const changes = [0, 9, 10, 29, 30, 69, 70, 1000].map(bits);
    expect(changes).toEqual([8, 8, 7, 7, 6, 6, 5, 5]); // after 10, then 20, then 40 steps
    expect(bits.settled).toBe(70);
  });

  it('makes every period longer by the factor', () => {
    const [plain, slow] = [1, 3].map((factor) => bitSchedule({ start: 6, target: 3, period: 7, factor }));
    expect(slow!.settled).toBe(3 * plain!.settled);
    for (let step = 0; step < 200; step++) expect(slow!(3 * step)).toBe(plain!(step));
  });

  it('stays where start and target are the same', () => {
    const bits = bitSchedule({ start: 4, target: 4, period: 5 });
    expect([bits(0), bits(999), bits.settled]).toEqual([4, 4, 0]);
  });

  it('refuses bits out of order and periods below a step', () => {
    expect(() => bitSchedule({ start: 4, target: 5, period: 1 })).toThrow('target ≤ start');
    expect(() => bitSchedule({ start: 17, target: 5, period: 1 })).toThrow('≤ 16');
    expect(() => bitSchedule({ start: 4, target: 2.5, period: 1 })).toThrow('whole numbers');
    expect(() => bitSchedule({ start: 4, target: 2, period: 0 })).toThrow('period');
    expect(() => bitSchedule({ start: 4, target: 2, period: 1, growth: 0.5 })).toThrow('growth');
    expect(() => bitSchedule({ start: 4, target: 2, period: 1, factor: NaN })).toThrow('factor');
  });
});

describe('periodFactors', () => {
  it('is 1 + ⌊4 λ / λ_max⌋ of magnitudes', () => {
    expect(periodFactors([8, 4, -8, 1.9, 0])).toEqual([5, 3, 5, 1, 1]);
  });

  it('is 1 where nothing bends, and for no layer at all', () => {
    expect(periodFactors([0, 0])).toEqual([1, 1]);
    expect(periodFactors([])).toEqual([]);
  });
});
