import { describe, expect, it } from 'vitest';
import { judge } from '../src/soak.ts';

const held = { tensors: 15, tensorBytes: 1000, heap: 4e7, resident: 2e8 };
const twenty = (change: (i: number) => Partial<typeof held>) =>
  Array.from({ length: 20 }, (_, i) => ({ ...held, ...change(i) }));

describe('a soak', () => {
  it('finds flat what wavers but does not grow', () => {
    const verdicts = judge(twenty((i) => ({ heap: 4e7 + 1e5 * (i % 3) })));
    expect(Object.values(verdicts).map(({ flat }) => flat)).toEqual([true, true, true, true]);
  });

  it('does not count what fills up in the first tenth', () => {
    expect(judge(twenty((i) => (i < 2 ? { tensors: 1, heap: 1e6 } : {}))).tensors.flat).toBe(true);
  });

  it('names one tensor that is kept, and memory that grows by more than 5 %', () => {
    const verdicts = judge(twenty((i) => ({ tensors: i < 10 ? 15 : 16, resident: 2e8 * (1 + 0.004 * i) })));
    expect(verdicts.tensors.flat).toBe(false);
    expect(verdicts.resident.flat).toBe(false);
    expect(verdicts.heap.flat).toBe(true);
  });

  it('refuses to judge fewer than ten samples', () => {
    expect(() => judge(Array.from({ length: 9 }, () => held))).toThrow('got 9');
  });
});
