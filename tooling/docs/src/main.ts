import { globSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { makeSite } from './make-site.ts';

/** `pnpm reference`: builds `docs/api`, the reference of all published packages, and fails where it has a gap; `--check` writes nothing. */
const root = resolve(import.meta.dirname, '../../..');
const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
const out = join(root, 'docs/api');
const guides = globSync('docs/*.md', { cwd: root })
  .sort()
  .map((file) => join(root, file));
const front = guides.filter((file) => file.endsWith('README.md'));
const problems = await makeSite({
  root,
  tsconfig: join(import.meta.dirname, '../tsconfig.site.json'),
  guides: [...front, ...guides.filter((file) => !front.includes(file))],
  ...(!values.check && { out }),
});
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.stderr.write(`docs: ${problems.length} problems.\n`);
else
  process.stdout.write(
    values.check ? 'docs: nothing is missing\n' : `docs: ${relative(root, join(out, 'index.html'))}\n`,
  );
process.exitCode = problems.length === 0 ? 0 : 1;
