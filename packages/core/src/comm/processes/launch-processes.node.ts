import { fork } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommError } from '../comm-error.ts';
import { checkLaunch, startJob, type Job, type LaunchOptions, type SpawnRank } from '../launch.ts';
import { addressOf } from '../launch-threads.node.ts';
import { RUN_RANK_NODE } from '../run-rank.node.ts';
import type { RankReport } from '../run-rank.ts';
import { mapFile } from './map-file.node.ts';

/** What a child is told. */
export interface ChildStart {
  readonly path: string;
  readonly bytes: number;
  readonly script: string;
  readonly runtime: string;
  readonly rank: number;
  readonly size: number;
  readonly deadline: number;
  readonly ownCore: boolean;
  readonly data: unknown;
}

/**
 * Starts n ranks as child processes that share memory through a mapped file, and gives what they return: for the native engine, whose
 * binding loads in one thread of a process only. It needs the package koffi. Ranks nap where threads sleep, so that threads are faster.
 *
 * @param n Ranks, in [1, 64].
 * @param script A module whose default export is a {@link RankFunction}, or that calls {@link runRank}: an address, or a path from
 * the current folder.
 * @throws CommError that names the first rank that died, threw, hung or called something else than the others.
 */
export async function launchProcesses<R = unknown>(
  n: number,
  script: string | URL,
  options: LaunchOptions = {},
): Promise<R[]> {
  return startProcesses<R>(n, script, options).results();
}

/** As {@link launchProcesses}, and gives the ranks at once: to end one from outside, or to see how each ended. */
export function startProcesses<R = unknown>(
  n: number,
  script: string | URL,
  options: LaunchOptions = {},
): Job<R> {
  const bytes = checkLaunch(n, options);
  const address = addressOf(script);
  // in memory where the system has a place for that, so that no disk is written to
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'ockham-'));
  const path = join(folder, 'memory');
  const release = (): void => rmSync(folder, { recursive: true, force: true });
  let memory: ArrayBuffer;
  try {
    writeFileSync(path, '');
    truncateSync(path, bytes); // a hole: what is not touched takes no room
    memory = mapFile(path, bytes);
  } catch (error) {
    release();
    throw error;
  }
  const spawn: SpawnRank = ({ rank, size, deadline, ownCore, data }, { heard, threw, ended }) => {
    const start: ChildStart = {
      path,
      bytes,
      script: address,
      runtime: CHILD,
      rank,
      size,
      deadline,
      ownCore,
      data,
    };
    const child = fork('', [], {
      execPath: process.execPath,
      execArgv: [...process.execArgv, '--input-type=module', '--eval', entry],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, OCKHAM_COMM_RUNTIME: RUN_RANK_NODE, OCKHAM_COMM_CHILD: CHILD },
    });
    let over = false;
    const leave = (how: string): void => {
      if (over) return;
      over = true;
      ended(how);
    };
    child.on('message', (report: RankReport | { readonly kind: 'threw'; readonly error: unknown }) => {
      if (report.kind === 'threw') threw(report.error);
      else heard(report);
    });
    child.once('error', (error) => leave(`did not start: ${error.message}`));
    child.once('exit', (code, signal) => {
      leave(`ended (${signal ?? `exit code ${code}`}) before its work was done`);
    });
    child.send({ start });
    return { terminate: () => void child.kill('SIGKILL') };
  };
  return startJob<R>(
    n,
    { transport: 'processes', memory, cores: availableParallelism(), release },
    spawn,
    options,
  );
}

/** The address of this module, for the entry of a child. */
const CHILD: string = import.meta.url;

/** @public What a child's entry calls, as text. */
export function mapStart({ path, bytes, ...start }: ChildStart): object {
  try {
    return { ...start, transport: 'processes', memory: mapFile(path, bytes) };
  } catch (cause) {
    throw new CommError('comm-unavailable', 'processes: the shared memory must be mapped, but cannot be.', {
      cause,
    });
  }
}

/** The program of a child. */
const entry = `
process.once('disconnect', () => process.exit(1)); // who launched it is gone
const { start } = await new Promise((resolve) => process.once('message', resolve));
const { mapStart } = await import(process.env.OCKHAM_COMM_CHILD);
let failed = false; // and told so: nothing has to be printed
const host = {
  start: () => mapStart(start),
  post(report) {
    failed ||= report.kind === 'failed';
    process.send(report);
  },
};
globalThis[Symbol.for('@ockham/core/comm')] = host;
const { runRank } = await import(process.env.OCKHAM_COMM_RUNTIME);
process.once('uncaughtExceptionMonitor', (error) => process.send({ kind: 'threw', error }));
const script = await import(start.script).catch((error) => {
  if (!failed) throw error;
  host.used = true;
});
if (!host.used) {
  if (typeof script.default !== 'function')
    throw new TypeError('launchProcesses: the script must have a default export (comm) => …, or call runRank.');
  await runRank(script.default).catch(() => { process.exitCode = 1; });
}
await new Promise(() => setInterval(() => {}, 1000)); // until it is ended
`;
