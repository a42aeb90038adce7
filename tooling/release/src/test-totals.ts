import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/**
 * Prints `passed failed skipped`, summed over vitest's JSON reports in the folder `OCKHAM_TEST_REPORTS`, and to standard error
 * which tests failed and with what words: a log that is cut to its end still has them.
 */
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
  for (const { name, status, message, assertionResults } of report.testResults) {
    const broken = assertionResults.filter((test) => test.status === 'failed');
    const where = `${relative(join(import.meta.dirname, '../../..'), name)} (${file})`;
    if (status === 'failed' && broken.length === 0) process.stderr.write(`\nFailed: ${where}\n${message}\n`);
    for (const { fullName, failureMessages } of broken)
      process.stderr.write(
        `\nFailed: ${where}\n  ${fullName}\n${failureMessages.join('\n').slice(0, 2_000)}\n`,
      );
  }
}
process.stdout.write(`${passed} ${failed} ${skipped}\n`);
