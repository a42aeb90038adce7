import type { Experiment } from './experiment.ts';
import type { RunEvent, RunOutcome } from './run-experiment.ts';
import type { Unit } from './schedule.ts';
import { longestFirst } from './schedule.ts';
import type { Work, WorkerSettings } from './worker-messages.ts';
import { WorkerProcess } from './worker-process.ts';

/** An experiment to run, and whom to tell. */
export interface Plan {
  readonly experiment: Experiment;
  readonly url: string;
  readonly folder: string;
  readonly results: string;
  readonly seeds: readonly number[];
  /** Seconds of a seed, by what is on record. */
  readonly expected: number;
  /** Hash of the sources behind the experiment, worked out when it is needed. */
  sources(this: void): Promise<string>;
  progress(this: void, event: RunEvent | string): void;
  ended(this: void, outcome: RunOutcome): void | Promise<void>;
  failed(this: void, error: unknown): void;
}

/**
 * Runs the seeds of all experiments, `jobs` at once, each in a process that uses one thread; then, one after the other
 * and on every core, those that measure time or start processes of their own. The rows of an experiment do not depend
 * on `jobs`. One that fails keeps its finished seeds and does not begin others; the others go on.
 *
 * @throws WorkFailed where the engine does not load.
 */
export async function runPlans(
  plans: readonly Plan[],
  settings: Omit<WorkerSettings, 'threads'>,
  signal: AbortSignal,
  described: (engine: string) => void,
): Promise<void> {
  const together = longestFirst(plans.filter(({ experiment }) => !experiment.alone));
  const alone = longestFirst(plans.filter(({ experiment }) => experiment.alone));
  const state = { left: new Map(plans.map((plan) => [plan, plan.seeds.length])), described, signal };
  const jobs = Math.min(settings.jobs, together.length);
  const ended = await Promise.allSettled(
    Array.from({ length: jobs }, () => runQueue(together, { ...settings, threads: 1 }, state)),
  );
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
  await runQueue(alone, settings, state);
}

interface State {
  /** Seeds of each experiment that have not ended; none any more for one that failed. */
  readonly left: Map<Plan, number>;
  readonly described: (engine: string) => void;
  readonly signal: AbortSignal;
}

/** One process after the other, as they are used up, until nothing is left in a queue that others share. */
async function runQueue(queue: Unit<Plan>[], settings: WorkerSettings, state: State): Promise<void> {
  let worker: WorkerProcess | undefined;
  const stop = (): void => worker?.stop();
  state.signal.addEventListener('abort', stop);
  try {
    for (let unit = queue.shift(); unit && !state.signal.aborted; unit = queue.shift()) {
      const { plan } = unit;
      if (!state.left.has(plan)) continue;
      if (!worker?.usable) {
        worker = await WorkerProcess.start(settings);
        state.described(worker.description);
      }
      try {
        await runUnit(worker, unit, state);
      } catch (error) {
        if (state.left.delete(plan)) plan.failed(error); // once, when two of its seeds fail
      }
    }
  } catch (error) {
    queue.length = 0; // what does not start here starts nowhere
    throw error;
  } finally {
    state.signal.removeEventListener('abort', stop);
    worker?.end();
  }
}

async function runUnit(worker: WorkerProcess, { plan, seed }: Unit<Plan>, { left }: State): Promise<void> {
  const { url, folder, results, seeds } = plan;
  const work: Work = { url, folder, results, seeds, sources: await plan.sources() };
  await worker.do({ ...work, seed }, plan.progress);
  const others = left.get(plan);
  if (others === undefined) return; // another seed has failed
  left.set(plan, others - 1);
  if (others === 1) await plan.ended((await worker.do(work, plan.progress))!);
}
