import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { reporters } from './index.ts';

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The Chromium that tests run in: `OCKHAM_CHROMIUM`, else the first of the usual names in PATH. */
export function findChromium(): string | undefined {
  if (process.env.OCKHAM_CHROMIUM) return process.env.OCKHAM_CHROMIUM;
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  return (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find(isExecutable);
}

const executablePath = findChromium();
if (executablePath === undefined) {
  process.stdout.write(
    'browser tests skipped: no Chromium in PATH. Install chromium, or set OCKHAM_CHROMIUM to one.\n',
  );
}

/** `test/*.browser.test.ts` in a real, headless Chromium; no file at all where there is none. */
export const browserTests: ViteUserConfig = defineConfig({
  resolve: { conditions: ['@ockham/source', 'browser', 'import', 'module', 'default'] },
  test: {
    include: executablePath === undefined ? [] : ['test/**/*.browser.test.ts'],
    passWithNoTests: executablePath === undefined,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: reporters('-browser'),
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          ...(executablePath !== undefined && { executablePath }),
          // CI runs as root and has no GPU
          args: ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
        },
      }),
      instances: [{ browser: 'chromium' }],
    },
  },
});
