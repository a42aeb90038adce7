import { browserTests } from '@ockham/vitest-config/browser';
import { mergeConfig } from 'vitest/config';

const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};
const base = { ...browserTests, test: { ...browserTests.test } };
const found = (base.test.include ?? []).length > 0;
base.test.include = found ? ['test/workers.browser.test.ts'] : []; // none where there is no Chromium

/** The tests of workers once more, in a page that is cross-origin isolated. */
export default mergeConfig(base, { server: { headers }, test: { provide: { isolated: true } } });
