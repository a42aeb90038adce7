import { join } from 'node:path';
import { writeFileAtomic } from '@ockham/core/files/node';
import { adoptCachedResults } from '../cached-results.ts';
import { findPackages } from '../workspace.ts';
import { collectResults } from './collect.ts';
import { reportPage } from './page.ts';
import { reproducibilityPage } from './reproducibility.ts';

/** Writes `report/index.html` and `REPRODUCIBILITY.md`. Returns what it wrote, a line each. */
export async function writeReport(workspace: string): Promise<string[]> {
  for (const { results } of await findPackages(workspace)) await adoptCachedResults(results);
  const packages = await collectResults(workspace);
  const encoder = new TextEncoder();
  const report = join(workspace, 'report', 'index.html');
  await writeFileAtomic(report, encoder.encode(reportPage(packages)));
  await writeFileAtomic(join(workspace, 'REPRODUCIBILITY.md'), encoder.encode(reproducibilityPage(packages)));
  return [`Report: ${report}`, 'Summary: REPRODUCIBILITY.md'];
}
