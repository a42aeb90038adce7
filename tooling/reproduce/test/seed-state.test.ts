import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SeedState } from '../src/seed-state.ts';
import { temporaryFolder } from './toy.ts';

it('a run of a seed that another run has finished takes nothing of it away, and ends as well', async () => {
  const folder = await temporaryFolder();
  const [one, other] = [new SeedState(folder, 3, 'key'), new SeedState(folder, 3, 'key')];
  for (const run of [one, other]) expect(await run.open()).toBeUndefined();
  expect(await one.once('half', () => 1)).toBe(1);
  const { rows } = await one.finish([{ seed: 3 }]);
  await other.saveClock();
  expect(await one.finished()).toMatchObject({ rows });
  await rm(join(folder, '3'), { recursive: true }); // as a join clears it
  expect(await other.once('half', () => 1)).toBe(1);
  expect((await other.finish(rows)).rows).toEqual(rows);
  expect(await new SeedState(folder, 3, 'another key').finished()).toBeUndefined();
});
