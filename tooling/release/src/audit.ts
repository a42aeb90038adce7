import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { readAudit, unexplained, type Explanation } from './advisories.ts';
import { workspace } from './pack.ts';
import { pnpm } from './shell.ts';

/**
 * `advisories [--registry <address>]`: what `pnpm audit` finds, and a failure for each advisory that audit.json does not explain.
 * Where the registry does not answer it says `skipped` and why: an audit is of the day, not of the commit.
 */
const { values } = parseArgs({ options: { registry: { type: 'string' } } });
const explanations = JSON.parse(
  readFileSync(join(import.meta.dirname, '../audit.json'), 'utf8'),
) as Explanation[];
const registry = values.registry === undefined ? [] : ['--registry', values.registry];
const { stdout, stderr } = await promisify(execFile)(pnpm, ['audit', '--json', ...registry], {
  cwd: workspace,
  maxBuffer: 2 ** 26,
}).catch((error: unknown) => error as { stdout: string; stderr: string }); // it ends with 1 when it finds something

const found = readAudit(stdout);
if (found === undefined) {
  const [, status] = /responded with (\d+)/.exec(`${stdout}\n${stderr}`) ?? [];
  process.stdout.write(
    `skipped: the registry gave no audit (${status ? `status ${status}` : 'no answer'})\n`,
  );
} else {
  const problems = unexplained(found, explanations);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.stdout.write(`${found.length} advisories, ${problems.length} of them to deal with\n`);
  if (problems.length > 0) process.exitCode = 1;
}
