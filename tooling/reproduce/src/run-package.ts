import { AbortedError } from '@ockham/core';
import { describeBackend, useBackend } from '@ockham/core/backend/node';
import { Listr } from 'listr2';
import { cacheResult, clearCachedResults } from './cached-results.ts';
import { chooseExperiments } from './choose-experiments.ts';
import type { Experiment } from './experiment.ts';
import { describeError } from './describe-error.ts';
import { datasetCache } from './load-dataset.ts';
import { hashLoadedSources } from './loaded-sources.ts';
import type { Options } from './options.ts';
import { eventLine, progressLine, throttle } from './progress-line.ts';
import type { Result } from './result.ts';
import type { RunSurroundings } from './run-experiment.ts';
import { runExperiment } from './run-experiment.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import { describeCommit, describeMachine, hideMachinePaths } from './surroundings.ts';
import { verdictTable } from './verdict-table.ts';
import type { ReproducingPackage } from './workspace.ts';

/** Runs a package's experiments one after the other and prints their verdicts. Returns the exit code. */
export async function runPackage(
  opened: ReproducingPackage,
  workspace: string,
  options: Options,
  print: (text: string) => void,
): Promise<number> {
  const { scale, firstSeed, fresh, only } = options;
  const chosen = await chooseExperiments(opened, only);
  const { name, version, threads, reason } = await useBackend(options.engine);
  print(`${opened.name}, scale ${scale}, engine ${describeBackend()}\n`);
  const portable = (text: string): string => hideMachinePaths(text, workspace, process.env);
  const engine = { name, reason: portable(reason), ...(version && { version }), ...(threads && { threads }) };

  const underTurbo = process.env.TURBO_HASH !== undefined;
  if (underTurbo) await clearCachedResults(opened.results);
  // Hashed before anything runs: what a run imports later must not make its own key another one.
  const engineModule = import.meta.resolve('@ockham/core/backend/node');
  const sources = await Promise.all(
    chosen.map(({ url }) => hashLoadedSources([url, engineModule], workspace)),
  );

  let show: (line: string, matters: boolean) => void = () => undefined;
  const stop = stopOnSignals();
  const shared = {
    scale,
    results: opened.results,
    engine,
    ...(await describeCommit(workspace)),
    machine: describeMachine(),
    fresh,
    signal: stop.signal,
    load: datasetCache((event) => show(eventLine(event), false)),
    portable,
  };
  const results: Result[] = [];
  const failures: string[] = [];
  const runOne = async (experiment: Experiment, sources: string): Promise<string> => {
    const n = options.seeds ?? experiment.scales[scale].seeds;
    const seeds = Array.from({ length: n }, (_, i) => firstSeed + i);
    const surroundings: RunSurroundings = {
      ...shared,
      seeds,
      sources,
      progress: (event) => show(progressLine(event), event.event === undefined),
    };
    const { result, file, written } = await runExperiment(experiment, surroundings);
    results.push(result);
    if (underTurbo && written) await cacheResult(opened.results, file);
    if (result.skipped !== undefined) return written ? 'skipped' : 'skipped; the earlier result stays';
    return `${n} seed${n === 1 ? '' : 's'}, ${Math.round(result.provenance.seconds.total)} s`;
  };

  const tasks = new Listr(
    chosen.map(({ experiment }, i) => ({
      title: experiment.id,
      skip: () => stop.signal.aborted,
      task: async (_, task) => {
        show = throttle((line) => (task.output = line), process.stdout.isTTY ? 100 : 20_000);
        try {
          task.title = `${experiment.id}: ${await runOne(experiment, sources[i]!)}`;
        } catch (error) {
          if (!(error instanceof AbortedError))
            failures.push(`${experiment.id} failed: ${describeError(error)}`);
          throw new Error(error instanceof Error ? error.message : String(error), { cause: error });
        }
      },
    })),
    { concurrent: false, exitOnError: false, registerSignalListeners: false },
  );
  try {
    await tasks.run();
  } finally {
    stop.release();
  }

  print(verdictTable(results));
  if (underTurbo && results.some(({ skipped, sample }) => sample || skipped !== undefined)) {
    print('\nOnce the data is there, run again with --force: turbo does not see it arrive.\n');
  }
  for (const failure of failures) print(`\n${failure}\n`);
  if (stop.signal.aborted && results.length < chosen.length) {
    print(
      '\nStopped. What was reached is kept: the same command goes on from there (--fresh starts over).\n',
    );
    return 130;
  }
  return failures.length > 0 ? 1 : 0;
}
