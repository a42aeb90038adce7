import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AbortedError } from '../../errors.ts';
import { CommError } from '../comm-error.ts';
import { checkLaunch } from '../launch.ts';
import { addressOf } from '../launch-threads.node.ts';
import { RUN_RANK_NODE } from '../run-rank.node.ts';
import { readReport, type MpiReport } from './report.node.ts';

/** Options of {@link launchMpi}. */
export interface LaunchMpiOptions {
  /** Given to every rank's function, as JSON. */
  readonly data?: unknown;
  /** Milliseconds that ranks wait for one that is alive and does not come. Default 30,000. */
  readonly deadline?: number;
  /** Ends all ranks. */
  readonly signal?: AbortSignal;
  /** The launcher. Default `mpirun`. */
  readonly mpirun?: string;
  /** Called with the process of each rank as it starts. */
  readonly onStart?: (rank: number, pid: number) => void;
}

/** Milliseconds between looks at the ranks. */
const LOOK = 25;
/** Milliseconds that the launcher has to end the others by itself. */
const GRACE = 400;

/**
 * Starts n ranks on this machine by `mpirun` and gives what they return. A rank that dies is named at once, and the others are ended:
 * `mpirun` alone takes a second, and tells where, not which.
 *
 * @param script A module whose default export is a {@link RankFunction}, or that calls {@link runRank}.
 * @throws CommError that names the first rank that died, threw, hung or called something else than the others; `comm-unavailable`
 * without `mpirun`.
 *
 * @example
 * await launchMpi(2, new URL('./sum.js', import.meta.url)); // [1, 1]
 */
export async function launchMpi<R = unknown>(
  n: number,
  script: string | URL,
  { data, deadline = 30_000, signal, mpirun = 'mpirun', onStart }: LaunchMpiOptions = {},
): Promise<R[]> {
  checkLaunch(n, { deadline });
  const folder = mkdtempSync(join(tmpdir(), 'ockham-mpi-'));
  try {
    const env = {
      ...process.env,
      OMPI_ALLOW_RUN_AS_ROOT: '1',
      OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
      OCKHAM_COMM_REPORTS: folder,
      OCKHAM_COMM_DEADLINE: `${deadline}`,
      OCKHAM_COMM_DATA: JSON.stringify(data ?? null),
      OCKHAM_COMM_SCRIPT: addressOf(script),
      OCKHAM_COMM_RUNTIME: RUN_RANK_NODE,
    };
    const program = [process.execPath, ...process.execArgv, '--input-type=module', '--eval', entry];
    const job = spawn(mpirun, ['-n', `${n}`, ...startOf(mpirun), ...program], {
      env,
      detached: true, // a group of its own, which can be ended as a whole
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    job.stderr.setEncoding('utf8').on('data', (text: string) => (said = `${said}${text}`.slice(-4000)));
    const ended = new Promise<number>((resolve, reject) => {
      job.once('error', reject);
      job.once('close', (code) => resolve(code ?? 1));
    });
    const pids = new Map<number, number>();
    const end = (): void => {
      for (const pid of pids.values()) kill(pid);
      setTimeout(() => kill(-job.pid!), GRACE).unref(); // later, so that it takes leave of its ranks
    };
    let lost: number | undefined;
    const watch = setInterval(() => {
      const before = lost;
      for (let rank = 0; rank < n; rank++) {
        const started = pids.get(rank) ?? readReport(folder, rank, 'started')?.pid;
        if (started === undefined) continue;
        if (!pids.has(rank)) onStart?.(rank, started);
        pids.set(rank, started);
        if (lost === undefined && !isAlive(started) && !readReport(folder, rank, 'done')) lost = rank;
      }
      if (lost !== before) setTimeout(end, GRACE).unref();
    }, LOOK);
    signal?.addEventListener('abort', end, { once: true });
    const code = await ended.finally(() => {
      clearInterval(watch);
      signal?.removeEventListener('abort', end);
    });
    for (const pid of pids.values()) kill(pid);
    if (signal?.aborted)
      throw new AbortedError('launchMpi: stopped by the AbortSignal. Launch again to start over.', {
        cause: signal.reason,
      });
    const failure = failureOf(folder, n) ?? (lost === undefined ? undefined : died(lost, said));
    if (failure) throw failure;
    const reports = Array.from({ length: n }, (_, rank) => readReport(folder, rank, 'done'));
    const missing = reports.findIndex((report) => !report);
    if (code !== 0 || missing >= 0)
      throw new CommError(
        'rank-lost',
        `launchMpi: every rank must end its work, but ${mpirun} ended with exit code ${code}${missing < 0 ? '' : ` and rank ${missing} did not`}. It said: ${said.trim().slice(-1500)}`,
        missing < 0 ? {} : { rank: missing },
      );
    return reports.map((report) => report!.result as R);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new CommError(
      'comm-unavailable',
      `launchMpi: ${mpirun} must be there, but is not. Install Open MPI or MPICH, or launch threads instead.`,
      { cause },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function died(rank: number, said: string): CommError {
  const words = said.trim().slice(-1500);
  return new CommError(
    'rank-lost',
    `comm: every rank must live until all are done, but rank ${rank} died before its work was done.${words && ` It said: ${words}`}`,
    { rank },
  );
}

/** What the ranks told of the first failure. */
function failureOf(folder: string, n: number): CommError | undefined {
  const told = Array.from({ length: n }, (_, rank) => readReport(folder, rank, 'failed')).filter(
    (report): report is Extract<MpiReport, { kind: 'failed' }> => report !== undefined,
  );
  const [first] = told;
  if (!first) return undefined;
  const { code, message, rank } = first;
  return new CommError(code, message, rank === undefined ? {} : { rank });
}

/** Whether a process runs; one that ended, and whose launcher has not asked for its exit code, does not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true; // not Linux
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already
  }
}

/** What comes before the program of a rank. */
function startOf(mpirun: string): string[] {
  const { stdout } = spawnSync(mpirun, ['--version'], { encoding: 'utf8' });
  // MPICH's launcher would end all ranks once one dies, too soon for anyone to see which. This flag keeps it from that, but not where one was
  // ended by a signal, which the shell hides; what it sends then, SIGUSR1, would end the shell and open a debugger in Node
  if (/^HYDRA/m.test(stdout ?? ''))
    return ['-disable-auto-cleanup', 'sh', '-c', 'trap : USR1; "$@"; exit $?', 'sh'];
  if (!/open[ -]?mpi|openrte/i.test(stdout ?? '')) return [];
  // refuses more ranks than cores, and binds them to one
  return ['--oversubscribe', '--bind-to', 'none', '--mca', 'mpi_yield_when_idle', '1'];
}

/** The program of a rank. */
const entry = `
process.on('SIGUSR1', () => {});
const { OCKHAM_COMM_SCRIPT: address, OCKHAM_COMM_RUNTIME: runtime } = process.env;
const { runRank, tellStart, wasRun } = await import(runtime);
tellStart();
const script = await import(address);
if (!wasRun()) {
  if (typeof script.default !== 'function')
    throw new TypeError('launchMpi: the script must have a default export (comm) => …, or call runRank.');
  await runRank(script.default);
}
`;
