/** `pnpm --filter @ockham/hardening fuzz --runs 100000`: altered files of every format, and what became of them. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { formats } from './formats/all.ts';
import { fuzz } from './fuzz.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true },
  },
});
const names = formats.map(({ name }) => name).filter((name) => !values.only || values.only.includes(name));
const each = Math.ceil(Number(values.runs) / names.length);
const queue = [...names];
const reports = await Promise.all(
  Array.from({ length: Math.min(2, availableParallelism()) }, async () => {
    const own = [];
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const report = await fuzz({
        formats: [name],
        runs: each,
        from: Number(values.from),
        seed: Number(values.seed),
      });
      for (const [format, { runs, refused, same, other }] of Object.entries(report.tallies))
        process.stdout.write(`${format}: ${runs} files, ${same} as the original, ${other} otherwise, refused ${JSON.stringify(refused)}\n`); // prettier-ignore
      for (const failure of report.failures) process.stdout.write(`FAILED ${failure}\n`);
      for (const { file, megabytes } of report.growths) process.stdout.write(`+${megabytes} MB ${file}\n`);
      own.push(report);
    }
    return own;
  }),
);
const all = reports.flat();
const failures = all.flatMap((report) => report.failures);
const total = all.flatMap(({ tallies }) => Object.values(tallies)).reduce((sum, { runs }) => sum + runs, 0);
process.stdout.write(`${total} altered files of ${names.length} formats, ${failures.length} failures\n`);
process.exitCode = failures.length > 0 ? 1 : 0;
