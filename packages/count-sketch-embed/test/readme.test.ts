import { readFile } from 'node:fs/promises';
import { printedByExample, runExample, runRepositoryExample } from '@ockham/release/readme';
import { expect, it } from 'vitest';

const own = new URL('../README.md', import.meta.url);

it('the first example of the README runs and prints what the README says', async () => {
  expect(await runExample(own)).toBe(printedByExample(await readFile(own, 'utf8')));
});

it('the example of the repository README makes a table smaller', async () => {
  expect(await runRepositoryExample(new URL('../', import.meta.url))).toMatch(
    /^2560000 bytes before, 153608 bytes after\n$/m,
  );
}, 120_000);
