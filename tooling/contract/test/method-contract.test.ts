import { join } from 'node:path';
import { startVitest } from 'vitest/node';
import { expect, it } from 'vitest';

const titles = {
  changes: 'does not change the model that it was given',
  chance: 'gives the same bits for the same seed',
  leaks: 'gives finite outputs for one example and for many, and leaves no tensor behind',
  frozen: 'gives a model that trains: the gradient reaches its weights',
  lenient: 'refuses a model that was disposed, by a named error',
};

it('each broken promise fails the test of that promise, and a method that keeps them all passes', async () => {
  const vitest = await startVitest([], {
    root: join(import.meta.dirname, '..'),
    config: join(import.meta.dirname, '../vitest.config.ts'),
    include: ['test/fixtures/broken-methods.ts'],
    reporters: [{}],
    watch: false,
  });
  const tests = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()]);
  const failed = tests.filter((test) => test.result().state === 'failed').map((test) => test.fullName);
  await vitest.close();
  process.exitCode = 0; // the failures were asked for
  const expected = Object.entries(titles).map(([name, title]) => `broken, ${name} > ${title}`);
  expect(failed.sort()).toEqual(expected.sort());
  expect(tests.length).toBe(6 * (expected.length + 1));
});
