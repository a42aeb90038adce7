import { join } from 'node:path';
import { writeFileAtomic } from '@ockham/core/files/node';
import { collectResults } from './collect.ts';
import { reportPage } from './page.ts';
import { reproducibilityPage } from './reproducibility.ts';

/** Writes `report/index.html` and `REPRODUCIBILITY.md`. Returns what it wrote, a line each. */
export async function writeReport(workspace: string): Promise<string[]> {
  const packages = await collectResults(workspace);
  const encoder = new TextEncoder();
  const report = join(workspace, 'report', 'index.html');
  await writeFileAtomic(report, encoder.encode(reportPage(packages)));
  await writeFileAtomic(join(workspace, 'REPRODUCIBILITY.md'), encoder.encode(reproducibilityPage(packages)));
  return [`Report: ${report}`, 'Summary: REPRODUCIBILITY.md'];
}
