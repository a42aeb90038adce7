import { expect, it } from 'vitest';
import { formats } from '../src/formats/all.ts';
import { fuzz } from '../src/fuzz.ts';

const RUNS = Math.ceil(1200 / formats.length);
const MOST_MEGABYTES = 512; // that one file may add to the peak

it('more than a thousand altered files end in what was written or in a named error, and change nothing on disk', async () => {
  const { tallies, failures, growths } = await fuzz({
    formats: formats.map(({ name }) => name),
    runs: RUNS,
    seed: 20,
  });
  expect(failures).toEqual([]);
  expect(growths.filter(({ megabytes }) => megabytes > MOST_MEGABYTES)).toEqual([]);
  expect(Object.keys(tallies)).toEqual(formats.map(({ name }) => name));
  for (const { runs } of Object.values(tallies)) expect(runs).toBe(RUNS);
  const refused = Object.values(tallies).flatMap((tally) => Object.values(tally.refused));
  expect(refused.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(RUNS * formats.length * 0.5);
}, 300_000);
