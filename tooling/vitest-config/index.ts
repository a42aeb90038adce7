import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

type Reporters = NonNullable<NonNullable<ViteUserConfig['test']>['reporters']>;

const conditions = ['@ockham/source', 'node', 'import', 'module', 'default'];
// by path: core tests itself with this package
const engineOfTests = fileURLToPath(new URL('../../packages/core/test/setup.ts', import.meta.url));
const failOnConsole = fileURLToPath(new URL('./fail-on-console.ts', import.meta.url));

/** For people always; beside it a JSON report per package where `OCKHAM_TEST_REPORTS` names a folder. */
export function reporters(suffix = ''): Reporters {
  const folder = process.env.OCKHAM_TEST_REPORTS;
  if (!folder) return ['default'];
  const name = `${process.env.npm_package_name ?? 'package'}${suffix}`.replaceAll(/[^\w.-]/g, '_');
  return [
    'default',
    ['json', { outputFile: join(folder, `${name}-${process.env.OCKHAM_ENGINE ?? 'auto'}.json`) }],
  ];
}

/** Tests of a tooling package: sources without a build, and a test that prints fails. */
export const toolingTests: ViteUserConfig = defineConfig({
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
    reporters: reporters(),
    setupFiles: [failOnConsole],
  },
});

/** The same, and core's `test/setup.ts`, which picks the engine, before every file. */
export const nodeTests: ViteUserConfig = {
  ...toolingTests,
  test: { ...toolingTests.test, setupFiles: [failOnConsole, engineOfTests] },
};
