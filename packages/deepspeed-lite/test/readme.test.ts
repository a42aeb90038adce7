import { readFile } from 'node:fs/promises';
import { printedByExample, runExample, runRepositoryExample } from '@ockham/release/readme';
import { expect, it } from 'vitest';

const own = new URL('../README.md', import.meta.url);

it('the first example of the README runs and prints what the README says', async () => {
  expect(await runExample(own)).toBe(printedByExample(await readFile(own, 'utf8')));
});

it('the example of the repository README plans four ranks and checks them', async () => {
  expect(await runRepositoryExample(new URL('../', import.meta.url))).toMatch(
    /^each of 4 ranks holds \d+ bytes\nlargest difference from one rank: 0\n$/m,
  );
}, 120_000);
