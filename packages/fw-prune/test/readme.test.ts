import { readFile } from 'node:fs/promises';
import { printedByExample, runExample, runRepositoryExample } from '@ockham/release/readme';
import { expect, it } from 'vitest';

const own = new URL('../README.md', import.meta.url);

it('the first example of the README runs and prints what the README says', async () => {
  expect(await runExample(own)).toBe(printedByExample(await readFile(own, 'utf8')));
});

it('the example of the repository README prunes digits', async () => {
  const printed = await runRepositoryExample(new URL('../', import.meta.url));
  const [, sparsity, accuracy] = /^(.+) % of the weights removed, test accuracy (.+)\n$/m.exec(printed)!;
  expect(Number(sparsity)).toBe(95);
  expect(Number(accuracy)).toBeGreaterThan(0.85);
}, 120_000);
