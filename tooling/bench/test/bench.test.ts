import { describe, expect, it } from 'vitest';
import { bench, interleave, ratio, runBench, table, timing } from '../src/index.ts';

describe('interleave', () => {
  it('runs every variant once a round and reverses the order from round to round', async () => {
    const order: string[] = [];
    await interleave(
      { a: () => void order.push('a'), b: () => void order.push('b') },
      { rounds: 4, warmup: 0 },
    );
    expect(order.join('')).toBe('abbaabba');
  });

  it('measures no warm-up round', async () => {
    let calls = 0;
    const times = await interleave({ a: () => void calls++ }, { rounds: 5, warmup: 2 });
    expect(calls).toBe(7);
    expect(times.a).toHaveLength(5);
  });

  it('counts the time until a promise settles, and to its own variant', async () => {
    let clock = 0;
    const takes = (ms: number) => async () => {
      await Promise.resolve();
      clock += ms;
    };
    const times = await interleave({ slow: takes(6), fast: takes(2) }, { rounds: 3, now: () => clock });
    expect(times).toEqual({ slow: [6, 6, 6], fast: [2, 2, 2] });
  });

  it('passes on what a variant throws', async () => {
    const fails = (): Promise<void> => Promise.reject(new Error('broken'));
    await expect(interleave({ fails })).rejects.toThrow('broken');
  });
});

describe('the summary', () => {
  it('gives median and quartiles of hand-ordered times', () => {
    expect(timing([5, 1, 2, 4, 3])).toEqual({
      median: 3,
      lowerQuartile: 2,
      upperQuartile: 4,
      best: 1,
      rounds: 5,
    });
  });

  it('takes the ratio round by round: a slow round of both cancels', () => {
    expect(ratio([2, 20, 4], [1, 10, 2]).median).toBe(2);
  });

  it('refuses rounds that do not pair', () => {
    expect(() => ratio([1, 2], [1])).toThrow('got 2 and 1');
  });
});

/** Keeps the processor busy for some milliseconds. */
function waste(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('a bench', () => {
  const definition = bench({
    id: 'toy/sum',
    question: 'Which?',
    against: { sparse: 'dense' },
    rounds: 3,
    prepare: () => ({
      variants: { dense: () => undefined, sparse: () => undefined },
      figures: { bytes: 12_345 },
    }),
  });

  it('reports every variant, a ratio for each comparison, and the machine', async () => {
    const result = await runBench(definition, 'cpu');
    expect(Object.keys(result.timings)).toEqual(['dense', 'sparse']);
    expect(result.ratios.map(({ variant, against }) => [variant, against])).toEqual([['sparse', 'dense']]);
    expect(result.machine.cores).toBeGreaterThan(0);
    expect(table(result)).toContain('12,345');
  });

  it('says of each comparison whether it reaches what is wanted', async () => {
    const prepare = () => ({ variants: { fast: () => undefined, slow: () => waste(3) } });
    const against = { fast: { slow: 1.5 }, slow: { fast: 1 } };
    const result = await runBench({ ...definition, against, prepare }, 'cpu');
    expect(result.ratios.map(({ wanted, reached }) => [wanted, reached])).toEqual([
      [1.5, true],
      [1, false],
    ]);
    expect(table(result)).toContain('NOT REACHED');
  });

  it('judges nothing on a trial', async () => {
    const { ratios, timings } = await runBench({ ...definition, against: { sparse: { dense: 9 } } }, 'cpu', {
      smoke: true,
    });
    expect(ratios[0]).not.toHaveProperty('reached');
    expect(timings.dense!.rounds).toBe(2);
  });

  it('leaves out a variant that cannot run here, and says why', async () => {
    const prepare = () => ({ variants: { dense: () => undefined }, skipped: { sparse: 'no Python' } });
    const result = await runBench({ ...definition, prepare }, 'cpu');
    expect(result.ratios).toEqual([]);
    expect(table(result)).toContain('sparse  skipped: no Python');
  });

  it('refuses to compare with what is no variant, and still disposes', async () => {
    let disposed = false;
    const prepare = () => ({ variants: { a: () => undefined }, dispose: () => void (disposed = true) });
    await expect(runBench({ ...definition, prepare }, 'cpu')).rejects.toThrow(
      'must name variants, a, got sparse',
    );
    expect(disposed).toBe(true);
  });
});
