import { runExample, runRepositoryExample } from '@ockham/release/readme';
import { expect, it } from 'vitest';

it('the first example of the README runs and learns', async () => {
  const printed = await runExample(new URL('../README.md', import.meta.url));
  expect(printed).toMatch(/195 parameters, test accuracy (1|0\.9\d*)\n$/);
});

it('the example of the repository README trains a small network', async () => {
  expect(await runRepositoryExample(new URL('../', import.meta.url))).toMatch(
    /^\w+, .+: test accuracy (1|0\.9\d*)\n$/,
  );
}, 120_000);
