import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@ockham/core/files/node';
import { replaceBetween } from '../between-markers.ts';
import type { ShownPackage } from './collect.ts';
import { collectResults } from './collect.ts';
import { packageTable } from './package-table.ts';
import { reportPage } from './page.ts';
import { reproducibilityPage } from './reproducibility.ts';

/**
 * Writes `report/index.html`, `REPRODUCIBILITY.md` and the table of packages in the root README. Returns what it wrote, a
 * line each.
 */
export async function writeReport(workspace: string): Promise<string[]> {
  const packages = await collectResults(workspace);
  const page = reportPage(packages);
  await write(join(workspace, 'report', 'index.html'), page);
  await write(join(workspace, 'REPRODUCIBILITY.md'), reproducibilityPage(packages));
  const path = join(workspace, 'README.md');
  const readme = await readFile(path, 'utf8').catch(() => '');
  const updated = await withPackageTable(readme, workspace, packages);
  if (updated !== undefined && updated !== readme) await write(path, updated);
  return [
    `Report: ${join(workspace, 'report', 'index.html')} (${(page.length / 1e6).toFixed(1)} MB)`,
    'Summary: REPRODUCIBILITY.md',
    ...(updated === undefined ? [] : ['Table of packages: README.md']),
  ];
}

/** The root README with its table of packages; undefined where it has no place for one. */
export async function withPackageTable(
  readme: string,
  workspace: string,
  packages: readonly ShownPackage[],
): Promise<string | undefined> {
  return replaceBetween(readme, 'packages', await packageTable(workspace, packages));
}

function write(path: string, text: string): Promise<void> {
  return writeFileAtomic(path, new TextEncoder().encode(text));
}
