import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

/** Prints `passed failed skipped`, summed over vitest's JSON reports in the folder `OCKHAM_TEST_REPORTS`. */
const folder = process.env.OCKHAM_TEST_REPORTS;
if (!folder) throw new Error('test-totals: OCKHAM_TEST_REPORTS must name the folder of the reports.');
let passed = 0;
let failed = 0;
let skipped = 0;
for (const file of readdirSync(folder)) {
  const report = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Report;
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped += report.numPendingTests + report.numTodoTests;
}
process.stdout.write(`${passed} ${failed} ${skipped}\n`);
