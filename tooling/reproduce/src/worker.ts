import { AbortedError } from '@ockham/core';
import { describeBackend, useBackend } from '@ockham/core/backend/node';
import { describeError } from './describe-error.ts';
import type { Experiment } from './experiment.ts';
import { datasetCache } from './load-dataset.ts';
import { eventLine } from './progress-line.ts';
import type { EngineUsed } from './result.ts';
import type { RunOutcome, RunSurroundings } from './run-experiment.ts';
import { joinSeeds, runSeed } from './run-experiment.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import { describeMachine, hideMachinePaths } from './surroundings.ts';
import type { Failure, Order, Report, Work, WorkerSettings } from './worker-messages.ts';

/*
 * A process that runs seeds for another one, which says what to do in messages, one work at a time. It ends when the
 * other one closes the channel, or is no more.
 */

const stop = stopOnSignals();
let engine: EngineUsed;
let settings: WorkerSettings;

const tell = (report: Report): void => void (process.connected && process.send!(report));
const load = datasetCache((event) => tell({ kind: 'progress', event: eventLine(event) }));
const portable = (text: string): string => hideMachinePaths(text, settings.workspace, process.env);

async function begin(given: WorkerSettings): Promise<Report> {
  settings = given;
  const { threads: asked } = settings;
  const used = await useBackend(settings.engine, asked === undefined ? {} : { threads: asked });
  const { name, version, threads, reason } = used;
  engine = { name, reason: portable(reason), ...(version && { version }), ...(threads && { threads }) };
  return { kind: 'ready', description: describeBackend() };
}

async function work({ url, folder, results, sources, seeds, seed }: Work): Promise<Report> {
  process.chdir(folder);
  const { default: experiment } = (await import(url)) as { default: Experiment };
  const { scale, fresh, jobs, commit, dirty } = settings;
  const surroundings: RunSurroundings = {
    scale,
    fresh,
    commit,
    dirty,
    results,
    sources,
    seeds,
    engine,
    ...(experiment.alone ? {} : { jobs }),
    machine: describeMachine(),
    signal: stop.signal,
    load,
    portable,
    progress: (event) => tell({ kind: 'progress', event }),
  };
  let outcome: RunOutcome | undefined;
  if (seed === undefined) outcome = await joinSeeds(experiment, surroundings);
  else await runSeed(experiment, surroundings, seed);
  return { kind: 'done', outcome, memory: process.memoryUsage.rss() };
}

function failureOf(error: unknown): Failure {
  return {
    description: describeError(error),
    message: error instanceof Error ? error.message : String(error),
    aborted: error instanceof AbortedError,
  };
}

let working: Promise<unknown> = Promise.resolve();

process.on('message', (order: Order) => {
  if (order.kind === 'stop') {
    stop.abort();
    return;
  }
  const answer = order.kind === 'settings' ? begin(order.settings) : work(order.work);
  working = answer.then(tell, (error: unknown) => tell({ kind: 'failed', failure: failureOf(error) }));
});
process.on('disconnect', () => {
  stop.abort(); // whoever asked is gone: the work keeps what it has reached
  void working.then(() => process.exit(0));
});
