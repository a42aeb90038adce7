import { findChromium } from '@ockham/vitest-config/browser';
import { defineConfig, mergeConfig } from 'vitest/config';
import { reporters, toolingTests } from '@ockham/vitest-config';

const found = findChromium() !== undefined;

/** `test/*.browser.test.ts` run in Node and drive a Chromium that looks at the built page; none where there is no Chromium. */
export default mergeConfig(
  {
    ...toolingTests,
    test: { ...toolingTests.test, include: [], exclude: ['**/node_modules/**'], reporters: [] },
  },
  defineConfig({
    test: {
      include: found ? ['test/**/*.browser.test.ts'] : [],
      passWithNoTests: !found,
      reporters: reporters('-browser'),
      testTimeout: 180_000, // on a machine that is busy with other work, too
      expect: { poll: { timeout: 20_000 } },
      globalSetup: ['test/fixtures/serve.ts'],
      fileParallelism: false, // the page has a processor to itself
    },
  }),
);
