import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { browserTests } from './browser.ts';
import { reporters } from './index.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Given by {@link isolatedTests}. */
    isolated?: true;
  }
}

/** Browser tests that match `pattern`, in a page that is cross-origin isolated and so may share memory with workers. */
export function isolatedTests(pattern: string): ViteUserConfig {
  const { test } = browserTests;
  const found = (test?.include ?? []).length > 0; // none where there is no Chromium
  return defineConfig({
    ...browserTests,
    server: {
      headers: {
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      },
    },
    test: {
      ...test,
      include: found ? [pattern] : [],
      reporters: reporters('-isolated'),
      provide: { isolated: true },
    },
  });
}
