import { readFile } from 'node:fs/promises';
import { printedByExample, runExample, runRepositoryExample } from '@ockham/release/readme';
import { expect, it } from 'vitest';

const own = new URL('../README.md', import.meta.url);

it('the first example of the README runs and prints what the README says', async () => {
  expect(await runExample(own)).toBe(printedByExample(await readFile(own, 'utf8')));
});

it('the example of the repository README trains in low rank', async () => {
  expect(await runRepositoryExample(new URL('../', import.meta.url))).toMatch(
    /^[5-9]\d % fewer weights, test accuracy (1|0\.9\d*)\n$/m,
  );
}, 120_000);
