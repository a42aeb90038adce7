import { readFile } from 'node:fs/promises';
import { printedByExample, runExample, runRepositoryExample } from '@ockham/release/readme';
import { expect, it } from 'vitest';

const own = new URL('../README.md', import.meta.url);

it('the first example of the README runs and prints what the README says', async () => {
  expect(await runExample(own)).toBe(printedByExample(await readFile(own, 'utf8')));
});

it('the example of the repository README finds three levels of hydrogen', async () => {
  expect(await runRepositoryExample(new URL('../', import.meta.url))).toMatch(
    /^(-\d\.\d{6} hartree\n){3}certified after \d+ gradients\n$/,
  );
}, 120_000);
