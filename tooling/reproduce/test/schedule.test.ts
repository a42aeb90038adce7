import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultJobs } from '../src/jobs.ts';
import { expectedSeconds, longestFirst } from '../src/schedule.ts';
import { runExperiment } from '../src/run-experiment.ts';
import { surroundings, temporaryFolder, toyExperiment } from './toy.ts';

describe('longestFirst', () => {
  it('begins with what is unknown and with the longest, and keeps the order of equals', () => {
    const plan = (name: string, expected: number) => ({ name, expected, seeds: [0, 1] });
    const units = longestFirst([
      plan('a', 1),
      plan('b', 9),
      plan('c', Infinity),
      plan('d', 9),
      plan('e', Infinity),
    ]);
    expect(units.map(({ plan, seed }) => `${plan.name}${seed}`).join(' ')).toBe(
      'c0 c1 e0 e1 b0 b1 d0 d1 a0 a1',
    );
  });

  it('has every seed once', () => {
    const plans = fc.array(
      fc.record({ expected: fc.oneof(fc.constant(Infinity), fc.nat()), seeds: fc.uniqueArray(fc.nat()) }),
    );
    fc.assert(
      fc.property(plans, (given) => {
        const units = longestFirst(given);
        for (const plan of given)
          expect(units.filter((unit) => unit.plan === plan).map(({ seed }) => seed)).toEqual(plan.seeds);
      }),
    );
  });
});

describe('expectedSeconds', () => {
  it('takes the scale itself before another one, and is infinite without a result', async () => {
    const results = await temporaryFolder();
    expect(await expectedSeconds(results, 'figures', 'smoke')).toBe(Infinity);
    const { result } = await runExperiment(toyExperiment(), surroundings(results));
    const write = async (scale: string, total: number) => {
      const seconds = { ...result.provenance.seconds, total };
      await mkdir(join(results, scale), { recursive: true });
      const timed = { ...result, provenance: { ...result.provenance, seconds } };
      await writeFile(join(results, scale, 'figures.json'), JSON.stringify(timed));
    };
    await write('standard', 60);
    expect(await expectedSeconds(results, 'figures', 'smoke')).toBe(20);
    await write('smoke', 3);
    expect(await expectedSeconds(results, 'figures', 'smoke')).toBe(1);
  });
});

describe('defaultJobs', () => {
  it.each([
    [2, 24e9, 2],
    [16, 24e9, 6],
    [4, 2e9, 1],
  ])('takes of %d cores and %d bytes %d jobs', (cores, memory, jobs) => {
    expect(defaultJobs(cores, memory)).toBe(jobs);
  });
});
