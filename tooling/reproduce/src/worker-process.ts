import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { OckhamError } from '@ockham/core';
import type { RunEvent, RunOutcome } from './run-experiment.ts';
import { WorkFailed } from './work-failed.ts';
import type { Order, Report, Work, WorkerSettings } from './worker-messages.ts';

const script = fileURLToPath(new URL('worker.ts', import.meta.url));

/** More than this after a work, and the next one gets a new process: what libraries keep does not add up. */
const LARGEST = 3e9; // bytes

/** A process of its own for one work at a time, with its engine loaded once. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  #hear: (report: Report) => void = () => undefined;
  #lost: (error: Error) => void = () => undefined;
  #usable = true;
  description = '';

  private constructor(settings: WorkerSettings) {
    const threads = settings.threads === undefined ? {} : threadsOf(settings.threads);
    this.#child = fork(script, { env: { ...process.env, ...threads } });
    this.#child.on('message', (report: Report) => this.#hear(report));
    this.#child.on('error', (error) => this.#lost(error));
    this.#child.on('exit', (code, signal) => {
      this.#usable = false;
      this.#lost(
        new OckhamError(
          'rank-lost',
          `ockham-reproduce: the process that worked must go on, but ended with ${signal ?? `exit code ${code}`}. ` +
            'What it reached is kept: run the same command again, with --jobs 1 where memory was short.',
        ),
      );
    });
  }

  /** Starts a process and its engine. */
  static async start(settings: WorkerSettings): Promise<WorkerProcess> {
    const started = new WorkerProcess(settings);
    const ready = await started.#ask({ kind: 'settings', settings }, () => undefined);
    if (ready.kind !== 'ready') throw new Error(`reproduce: a process began with ${ready.kind}.`);
    started.description = ready.description;
    return started;
  }

  /** Whether it can take another work. */
  get usable(): boolean {
    return this.#usable;
  }

  /**
   * Does one work.
   *
   * @throws WorkFailed for an error in there; OckhamError `rank-lost` where the process ends.
   */
  async do(work: Work, progress: (event: RunEvent | string) => void): Promise<RunOutcome | undefined> {
    const report = await this.#ask({ kind: 'work', work }, progress);
    if (report.kind !== 'done') throw new Error(`reproduce: a work ended with ${report.kind}.`);
    if (report.memory > LARGEST) this.end();
    return report.outcome;
  }

  /** Asks it to stop and to keep what it has reached. */
  stop(): void {
    if (this.#child.connected) this.#child.send({ kind: 'stop' } satisfies Order);
  }

  /** Lets it go. */
  end(): void {
    this.#usable = false;
    if (this.#child.connected) this.#child.disconnect();
  }

  #ask(order: Order, progress: (event: RunEvent | string) => void): Promise<Report> {
    return new Promise((resolve, reject) => {
      this.#lost = reject;
      this.#hear = (report) => {
        if (report.kind === 'progress') progress(report.event);
        else if (report.kind === 'failed') reject(new WorkFailed(report.failure));
        else resolve(report);
      };
      this.#child.send(order, (error) => {
        if (error) reject(error);
      });
    });
  }
}

/** Libraries read these when they are loaded. */
function threadsOf(threads: number): Record<string, string> {
  const names = ['OMP_NUM_THREADS', 'TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS'];
  return Object.fromEntries(names.map((name) => [name, String(threads)]));
}
