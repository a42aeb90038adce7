import { reporters, toolingTests } from '@ockham/vitest-config';
import { findChromium } from '@ockham/vitest-config/browser';
import type { ViteUserConfig } from 'vitest/config';

const found = findChromium() !== undefined;

/** Tests in Node that write the report and open it in a real Chromium; no file at all where there is none. */
const config: ViteUserConfig = {
  ...toolingTests,
  test: {
    ...toolingTests.test,
    include: found ? ['test/**/*.browser.test.ts'] : [],
    exclude: ['**/node_modules/**'],
    passWithNoTests: !found,
    reporters: reporters('-browser'),
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
};

export default config;
