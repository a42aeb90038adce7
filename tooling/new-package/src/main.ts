import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { newPackage } from './new-package.ts';

const usage = `usage: pnpm new-package <name> [--title <words>]

Makes packages/<name>, a method package that builds, tests and reproduces at once.

  pnpm new-package soft-round --title "Soft rounding"
`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { title: { type: 'string' }, help: { type: 'boolean', short: 'h' }, root: { type: 'string' } },
  });
  const [name, ...rest] = positionals;
  if (values.help) {
    process.stdout.write(usage);
  } else if (name === undefined || rest.length > 0) {
    process.stderr.write(usage);
    process.exitCode = 2;
  } else {
    const root = resolve(values.root ?? resolve(import.meta.dirname, '../../..'));
    const files = await newPackage(root, name, values.title);
    process.stdout.write(`${files.map((file) => `  ${file}\n`).join('')}
Next: put your method in place of packages/${name}/src/${name}.ts, and run
  pnpm install
  pnpm --filter @ockham/${name} test
`);
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
