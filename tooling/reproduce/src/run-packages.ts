import '@ockham/core/backend/node'; // among the sources that are hashed
import { Listr } from 'listr2';
import { chooseExperiments } from './choose-experiments.ts';
import { describeError } from './describe-error.ts';
import { experimentName, scaleOf } from './experiment.ts';
import { defaultJobs } from './jobs.ts';
import { hashLoadedSources } from './loaded-sources.ts';
import type { Options } from './options.ts';
import { progressLine } from './progress-line.ts';
import type { Result } from './result.ts';
import { forgetSeeds, type RunOutcome } from './run-experiment.ts';
import type { Plan } from './run-plans.ts';
import { runPlans } from './run-plans.ts';
import { expectedSeconds } from './schedule.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import { describeCommit } from './surroundings.ts';
import { TaskLine } from './task-line.ts';
import { verdictTable } from './verdict-table.ts';
import { WorkFailed } from './work-failed.ts';
import type { ReproducingPackage } from './workspace.ts';

const engineModule = import.meta.resolve('@ockham/core/backend/node');

/** Runs the experiments of packages and prints their verdicts. Returns the exit code. */
export async function runPackages(
  packages: readonly ReproducingPackage[],
  workspace: string,
  options: Options,
  print: (text: string) => void,
): Promise<number> {
  const { scale, engine, fresh } = options;
  const jobs = options.jobs ?? defaultJobs();
  const stop = stopOnSignals();
  const lines = new Map<string, TaskLine>();
  const plans: (Plan & { readonly task: string })[] = [];
  const outcomes = new Map<string, Result>();
  const failures: string[] = [];
  for (const opened of packages) {
    for (const { experiment, url } of await chooseExperiments(opened, options.only)) {
      if (options.only.length === 0 && !experiment.scales[scale]) continue;
      if (fresh) await forgetSeeds(experiment, { results: opened.results, scale });
      const n = options.seeds ?? scaleOf(experiment, scale).seeds;
      const task = packages.length > 1 ? opened.name : experiment.id;
      const line = lines.get(task) ?? new TaskLine(task);
      lines.set(task, line);
      line.expect();
      plans.push({
        task,
        experiment,
        url,
        folder: opened.folder,
        results: opened.results,
        seeds: Array.from({ length: n }, (_, i) => options.firstSeed + i),
        expected: await expectedSeconds(opened.results, experimentName(experiment.id), scale),
        sources: () => hashLoadedSources([url, engineModule], workspace),
        progress: (event) => {
          const text = typeof event === 'string' ? event : progressLine(event);
          const matters = typeof event !== 'string' && event.event === undefined;
          line.show(task === experiment.id ? text : `${experiment.id} ${text}`, matters);
        },
        ended: (outcome) => {
          outcomes.set(experiment.id, outcome.result);
          line.end(`${experiment.id}: ${summary(outcome)}`);
        },
        failed: (error) => {
          const stopped = error instanceof WorkFailed && error.failure.aborted;
          if (!stopped) failures.push(`${experiment.id} failed: ${describeError(error)}`);
          const message = error instanceof Error ? error.message : String(error);
          line.end(`${experiment.id}: ${message}`, new Error(message, { cause: error }));
        },
      });
    }
  }

  const where = packages.length > 1 ? 'all packages' : packages[0]!.name;
  const settings = { engine, scale, fresh, jobs, workspace, ...(await describeCommit(workspace)) };
  let begun = (): void => undefined;
  const firstEngine = new Promise<void>((resolve) => (begun = resolve));
  let described = false;
  const describe = (description: string): void => {
    if (!described) {
      print(`${where}, scale ${scale}, ${jobs} job${jobs === 1 ? '' : 's'}, engine ${description}\n`);
    }
    described = true;
    begun();
  };
  const running = runPlans(plans, settings, stop.signal, describe);
  try {
    await Promise.race([firstEngine, running]);
    const tasks = new Listr(
      [...lines.values()].map((line) => line.task),
      { concurrent: true, exitOnError: false, registerSignalListeners: false },
    ).run();
    await running;
    for (const line of lines.values()) line.close();
    await tasks;
  } finally {
    stop.release();
  }

  print(verdictTable(plans.flatMap(({ experiment }) => outcomes.get(experiment.id) ?? [])));
  for (const failure of failures) print(`\n${failure}\n`);
  if (stop.signal.aborted && outcomes.size < plans.length) {
    print(
      '\nStopped. What was reached is kept: the same command goes on from there (--fresh starts over).\n',
    );
    return 130;
  }
  return failures.length > 0 ? 1 : 0;
}

function summary({ result, written }: RunOutcome): string {
  if (result.skipped !== undefined) return written ? 'skipped' : 'skipped; the earlier result stays';
  const { seeds, seconds } = result.provenance;
  return `${seeds.length} seed${seeds.length === 1 ? '' : 's'}, ${Math.round(seconds.total)} s`;
}
