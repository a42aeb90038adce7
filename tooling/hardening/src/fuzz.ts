import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FuzzMessage } from './fuzz-worker.ts';

const WORKER = fileURLToPath(new URL('fuzz-worker.ts', import.meta.url));

/** What to read. */
export interface FuzzOptions {
  readonly formats: readonly string[];
  /** Altered files of each format, from number `from` on. */
  readonly runs: number;
  readonly from?: number;
  readonly seed: number;
  /** Milliseconds after which a file that is still being read counts as a hang. Default 60,000. */
  readonly deadline?: number;
}

/** What came of the altered files of one format. */
export interface FuzzTally {
  runs: number;
  /** By code. */
  readonly refused: Record<string, number>;
  /** Read with the original's content, and with other content that is well-formed. */
  same: number;
  other: number;
}

/** What came of all. */
export interface FuzzReport {
  readonly tallies: Record<string, FuzzTally>;
  /** Crashes, hangs, errors without a code, files that changed: one line each, with what makes it happen again. */
  readonly failures: readonly string[];
  /** Files that raised the peak of memory by more than 64 MB. */
  readonly growths: readonly { readonly file: string; readonly megabytes: number }[];
}

/** Reads altered files in a child process, which a file that hangs or crashes may take with it: the rest goes on in another. */
export async function fuzz({
  formats,
  runs,
  from = 0,
  seed,
  deadline = 60_000,
}: FuzzOptions): Promise<FuzzReport> {
  const tallies: Record<string, FuzzTally> = {};
  const failures: string[] = [];
  const growths: { file: string; megabytes: number }[] = [];
  let left = [...formats];
  let start = from;
  while (left.length > 0) {
    let at: { format: string; run: number } | undefined;
    const take = (message: FuzzMessage) => {
      const { format } = message;
      const tally = (tallies[format] ??= { runs: 0, refused: {}, same: 0, other: 0 });
      if (message.kind === 'began') at = { format, run: message.run };
      else if (message.kind === 'grew')
        growths.push({ file: again(seed, format, message.run), megabytes: Math.round(message.megabytes) }); // prettier-ignore
      else {
        tally.runs++;
        if (message.kind === 'refused') tally.refused[message.code] = (tally.refused[message.code] ?? 0) + 1;
        else if (message.kind === 'read') tally[message.same ? 'same' : 'other']++;
        else failures.push(`${again(seed, format, message.run)}: ${message.why}`);
      }
    };
    const ended = await inChild([seed, start, from + runs, ...left].map(String), take, deadline);
    if (ended === undefined) break;
    const { format, run } = at ?? { format: left[0]!, run: -1 };
    failures.push(`${again(seed, format, run)}: ${ended}`);
    left = left.slice(left.indexOf(format) + (run < 0 || run + 1 >= from + runs ? 1 : 0));
    if (run >= 0 && run + 1 < from + runs) {
      // the rest of this format, then the others from the first file on
      const rest = await fuzz({
        formats: [format],
        runs: from + runs - run - 1,
        from: run + 1,
        seed,
        deadline,
      });
      merge(tallies, rest.tallies);
      failures.push(...rest.failures);
      growths.push(...rest.growths);
      left = left.slice(1);
    }
    start = from;
  }
  return { tallies, failures, growths };
}

/** @returns Undefined where the child came to its end, else what became of it. */
function inChild(
  words: readonly string[],
  take: (message: FuzzMessage) => void,
  deadline: number,
): Promise<string | undefined> {
  const child = fork(WORKER, words, {
    execArgv: ['--conditions=@ockham/source', '--max-old-space-size=2048'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  return new Promise((resolve) => {
    let hung = false;
    const hang = () => {
      hung = true;
      child.kill('SIGKILL');
    };
    let watch = setTimeout(hang, 5 * deadline); // the first word comes once everything is loaded
    child.on('message', (message: FuzzMessage) => {
      take(message);
      if (message.kind !== 'began') return;
      clearTimeout(watch);
      watch = setTimeout(hang, deadline);
    });
    child.on('close', (code, signal) => {
      clearTimeout(watch);
      if (hung) resolve(`hangs for more than ${deadline} ms`);
      else resolve(code === 0 ? undefined : `ends the process with ${signal ?? code}: ${said}`);
    });
  });
}

function again(seed: number, format: string, run: number): string {
  return run < 0 ? `an original of '${format}'` : `--seed ${seed} --only '${format}' --from ${run} --runs 1`;
}

function merge(into: Record<string, FuzzTally>, from: Readonly<Record<string, FuzzTally>>): void {
  for (const [format, { runs, refused, same, other }] of Object.entries(from)) {
    const tally = (into[format] ??= { runs: 0, refused: {}, same: 0, other: 0 });
    tally.runs += runs;
    tally.same += same;
    tally.other += other;
    for (const [code, count] of Object.entries(refused))
      tally.refused[code] = (tally.refused[code] ?? 0) + count;
  }
}
