import {
  checkLaunch,
  startJob,
  threadMemory,
  type Job,
  type LaunchOptions,
  type SpawnRank,
} from './launch.ts';
import { REPORT, START, type RankReport } from './run-rank.ts';

/**
 * A script that calls `runRank`: its address, or, where a bundler has to see it, a function that starts the worker:
 * `() => new Worker(new URL('./train.ts', import.meta.url), { type: 'module' })`.
 */
export type PageScript = string | URL | ((rank: number) => Worker);

/**
 * Starts n ranks as workers of this page, which must be cross-origin isolated, and gives what they return.
 *
 * @param n Ranks, in [1, 64].
 * @param script A module that calls {@link runRank}.
 * @throws CommError that names the first rank that died, threw, hung or called something else than the others.
 *
 * @example
 * const results = await launch(4, () => new Worker(new URL('./train.ts', import.meta.url), { type: 'module' }));
 */
export async function launch<R = unknown>(
  n: number,
  script: PageScript,
  options: LaunchOptions = {},
): Promise<R[]> {
  return startRanks<R>(n, script, options).results();
}

/** As {@link launch}, and gives the ranks at once: to end one from outside, or to see how each ended. */
export function startRanks<R = unknown>(n: number, script: PageScript, options: LaunchOptions = {}): Job<R> {
  const on = threadMemory(checkLaunch(n, options), navigator.hardwareConcurrency);
  const spawn: SpawnRank = (start, { heard, threw, ended }) => {
    const worker =
      typeof script === 'function'
        ? script(start.rank)
        : new Worker(script, { type: 'module', name: `rank ${start.rank}` });
    worker.addEventListener('message', ({ data }: MessageEvent<{ [REPORT]?: RankReport }>) => {
      const report = data?.[REPORT];
      if (report?.kind === 'ready') worker.postMessage({ [START]: start });
      else if (report) heard(report);
    });
    let over = false;
    const terminate = (): void => {
      if (over) return;
      over = true;
      worker.terminate();
      ended('was terminated');
    };
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      threw(event.error ?? new Error(event.message || 'the worker did not start'));
      terminate();
    });
    return { terminate };
  };
  return startJob<R>(n, on, spawn, options);
}
