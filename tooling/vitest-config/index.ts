import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const conditions = ['@ockham/source', 'node', 'import', 'module', 'default'];

/**
 * The one vitest configuration of the house: sources without a build, a test that prints fails, and the
 * package's own `test/setup.ts` (which picks the engine) before every file.
 */
export const nodeTests: ReturnType<typeof defineConfig> = defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.browser.test.ts', '**/node_modules/**'],
    pool: 'forks', // the native binding loads in one thread of a process only
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    execArgv: ['--conditions=@ockham/source'],
    setupFiles: [fileURLToPath(new URL('./fail-on-console.ts', import.meta.url)), './test/setup.ts'],
  },
});
