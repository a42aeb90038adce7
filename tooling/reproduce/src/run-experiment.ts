import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset, ProgressEvent } from '@ockham/core';
import { AbortedError, DataError, throwIfAborted } from '@ockham/core';
import { checkRows } from './check-rows.ts';
import type { Experiment, Provided, Row, ScaleName } from './experiment.ts';
import { experimentName, scaleOf } from './experiment.ts';
import { judgeAndDraw } from './judge-and-draw.ts';
import type { EngineUsed, Result, RunProvenance } from './result.ts';
import { parseResult, resultSchema } from './result.ts';
import { resultFile, writeResult } from './result-files.ts';
import type { FinishedSeed } from './seed-state.ts';
import { SeedState } from './seed-state.ts';

/** Everything that a run needs from its surroundings; the command line supplies it, tests supply their own. */
export interface RunSurroundings {
  readonly scale: ScaleName;
  readonly seeds: readonly number[];
  /** The package's `reproduce/results` folder. */
  readonly results: string;
  readonly engine: EngineUsed;
  /** Seeds of experiments that run at once. Default 1. */
  readonly jobs?: number;
  /** Hash of the sources behind the experiment; rows made by others are not reused. */
  readonly sources: string;
  readonly commit: string | null;
  readonly dirty: boolean;
  readonly machine: RunProvenance['machine'];
  /** Takes this machine's folders out of a text that goes into a result. */
  portable(this: void, text: string): string;
  /** Ignores what former runs left. Default false. */
  readonly fresh?: boolean;
  readonly signal: AbortSignal;
  readonly progress: (event: RunEvent) => void;
  load(this: void, name: string, signal: AbortSignal): Promise<Provided>;
}

/** Where a run is. Without `event`, a seed has just begun or been found finished. */
export interface RunEvent {
  readonly seed: number;
  /** From 1. */
  readonly index: number;
  readonly of: number;
  readonly kept?: boolean;
  readonly event?: ProgressEvent;
}

/** What happened: the result, and the file that now holds it or, when skipped, an older one that was left alone. */
export interface RunOutcome {
  readonly result: Result;
  readonly file: string;
  readonly written: boolean;
}

/**
 * Runs an experiment seed by seed and writes its result and drawings. A seed that an earlier run finished under
 * the same configuration, engine, data and sources is kept; one that was stopped goes on from its checkpoints.
 *
 * @throws AbortedError when the signal fires; what was reached is on disk.
 */
export async function runExperiment(
  experiment: Experiment,
  surroundings: RunSurroundings,
): Promise<RunOutcome> {
  if (surroundings.fresh) await forgetSeeds(experiment, surroundings);
  for (const seed of surroundings.seeds) await runSeed(experiment, surroundings, seed);
  return joinSeeds(experiment, surroundings);
}

/** Drops what earlier runs reached and did not join. */
export async function forgetSeeds(
  experiment: Experiment,
  { results, scale }: Pick<RunSurroundings, 'results' | 'scale'>,
): Promise<void> {
  await rm(partialFolder(experiment, results, scale), { recursive: true, force: true });
}

/**
 * Runs one of the seeds, unless it is finished or a dataset is missing, and keeps its rows on disk for {@link joinSeeds}.
 * Seeds of one experiment may run at the same time, each in its own process.
 *
 * @throws AbortedError when the signal fires; what was reached is on disk.
 */
export async function runSeed(
  experiment: Experiment,
  surroundings: RunSurroundings,
  seed: number,
): Promise<void> {
  const { scale, seeds, results, signal, progress } = surroundings;
  const loaded = await loadAll(experiment, surroundings);
  if (typeof loaded === 'string') return;
  throwIfAborted(signal, experiment.id);
  const { key, former } = await earlierRun(experiment, surroundings, loaded);
  const state = new SeedState(partialFolder(experiment, results, scale), seed, key);
  const at = { seed, index: seeds.indexOf(seed) + 1, of: seeds.length };
  const kept = former?.get(seed) ?? (await state.open());
  progress({ ...at, kept: kept !== undefined });
  if (kept) return;
  try {
    const rows = await experiment.run({
      config: scaleOf(experiment, scale).config,
      scale,
      seed,
      data: loaded as Record<string, Dataset>, // each experiment knows what it asked for
      signal,
      progress: (event) => progress({ ...at, event }),
      checkpoint: (part) => state.checkpoint(part),
      once: (part, work) => state.once(part, work),
    });
    await state.finish(checkRows(experiment.id, rows, seed));
  } catch (error) {
    await state.saveClock();
    if (signal.aborted && !(error instanceof AbortedError)) throwIfAborted(signal, experiment.id);
    throw error;
  }
}

/** Joins the rows of all seeds in the order of the seeds, judges them, and writes the result and its drawings. */
export async function joinSeeds(experiment: Experiment, surroundings: RunSurroundings): Promise<RunOutcome> {
  const { scale, seeds, results } = surroundings;
  const loaded = await loadAll(experiment, surroundings);
  if (typeof loaded === 'string') return skip(experiment, surroundings, surroundings.portable(loaded));
  const { key, former, file, sample } = await earlierRun(experiment, surroundings, loaded);
  const partial = partialFolder(experiment, results, scale);
  const finished = new Map<number, FinishedSeed>();
  for (const seed of seeds) {
    const done =
      former?.get(seed) ??
      (await new SeedState(partial, seed, key).finished()) ??
      (await formerSeeds(file, key))?.get(seed); // another run may have joined and cleared them since
    if (!done) {
      throw new DataError(
        'storage-failed',
        `${experiment.id}: the rows of seed ${seed} must be in ${surroundings.portable(partial)}, and are not. Run it again.`,
      );
    }
    finished.set(seed, done);
  }

  const rows = seeds.flatMap((seed) => finished.get(seed)!.rows);
  const bySeed = Object.fromEntries(seeds.map((seed) => [seed, round(finished.get(seed)!.seconds)]));
  const { figures, drawings } = await judgeAndDraw(experiment, rows, { scale, sample });
  const result: Result = {
    ...heading(experiment, scale, sample),
    figures,
    provenance: {
      ...provenance(surroundings, key, loaded),
      seconds: { bySeed, total: round(Object.values(bySeed).reduce((a, b) => a + b, 0)) },
    },
    rows,
  };
  await writeResult(file, result, drawings);
  // finished seeds of a part stay, for parts that other processes run to be joined by a run of all
  if (seeds.length >= scaleOf(experiment, scale).seeds)
    await rm(partial, { recursive: true, force: true, maxRetries: 5 });
  return { result, file, written: true };
}

function partialFolder({ id }: Experiment, results: string, scale: ScaleName): string {
  return join(results, '.partial', scale, experimentName(id));
}

/** Where the result goes, the key of its rows, and the seeds that the file there already has under this key. */
async function earlierRun(
  experiment: Experiment,
  surroundings: RunSurroundings,
  loaded: Record<string, Provided>,
): Promise<{ file: string; sample: boolean; key: string; former: Map<number, FinishedSeed> | undefined }> {
  const { results, scale, fresh } = surroundings;
  const sample = Object.values(loaded).some((dataset) => dataset.provenance.source === 'embedded-sample');
  const file = resultFile(results, scale, experimentName(experiment.id), sample);
  const key = keyOf(experiment, surroundings, loaded);
  return { file, sample, key, former: fresh ? undefined : await formerSeeds(file, key) };
}

async function loadAll(
  experiment: Experiment,
  { load, signal }: RunSurroundings,
): Promise<Record<string, Provided> | string> {
  const loaded: Record<string, Provided> = {};
  for (const name of experiment.datasets) {
    try {
      loaded[name] = await load(name, signal);
    } catch (error) {
      if (error instanceof DataError && error.code === 'dataset-missing') return error.message;
      throw error;
    }
  }
  return loaded;
}

/** A skipped run never replaces a real result. */
async function skip(
  experiment: Experiment,
  surroundings: RunSurroundings,
  skipped: string,
): Promise<RunOutcome> {
  const { scale, results } = surroundings;
  const file = resultFile(results, scale, experimentName(experiment.id), false);
  const { figures } = await judgeAndDraw(experiment, [], { scale, sample: false, skipped });
  const result: Result = {
    ...heading(experiment, scale, false),
    skipped,
    figures,
    provenance: { ...provenance(surroundings, '', {}), seeds: [], seconds: { bySeed: {}, total: 0 } },
    rows: [],
  };
  const former = await readFile(file, 'utf8').catch(() => undefined);
  const written = former === undefined || parseResult(former, file).skipped !== undefined;
  if (written) await writeResult(file, result, new Map());
  return { result, file, written };
}

function heading(
  experiment: Experiment,
  scale: ScaleName,
  sample: boolean,
): Pick<Result, 'schema' | 'experiment' | 'paper' | 'scale' | 'sample' | 'config' | 'differences'> {
  const why = experiment.why as Record<string, string>;
  const settings = Object.entries(scaleOf(experiment, scale).config) as [string, unknown][];
  const config = Object.fromEntries(settings.map(([key, value]) => [key, { value, why: why[key] ?? '' }]));
  return {
    schema: resultSchema,
    experiment: experiment.id,
    paper: experiment.paper,
    scale,
    sample,
    config,
    differences: experiment.differences,
  };
}

function provenance(
  { seeds, commit, dirty, sources, engine, jobs = 1, machine }: RunSurroundings,
  key: string,
  data: Readonly<Record<string, Provided>>,
): Omit<RunProvenance, 'seconds'> {
  const datasets = Object.fromEntries(
    Object.entries(data).map(([name, dataset]) => [name, dataset.provenance]),
  );
  return {
    seeds,
    commit,
    dirty,
    sources,
    key,
    engine,
    jobs,
    datasets,
    machine,
    finished: new Date().toISOString(),
  };
}

function keyOf(
  experiment: Experiment,
  { scale, engine, sources }: RunSurroundings,
  data: Record<string, Provided>,
): string {
  const checksums = Object.entries(data).map(
    ([
      name,
      {
        provenance: { source, checksums },
      },
    ]) => [name, source === 'embedded-sample' || source === 'synthetic' ? source : '', checksums],
  );
  const conditions = [
    experiment.id,
    scaleOf(experiment, scale).config,
    [engine.name, engine.version, engine.threads],
    sources,
    checksums,
  ];
  return createHash('sha256').update(JSON.stringify(conditions)).digest('hex').slice(0, 16);
}

async function formerSeeds(file: string, key: string): Promise<Map<number, FinishedSeed> | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { rows, provenance, skipped } = parseResult(text, file);
  if (skipped !== undefined || provenance.key !== key) return undefined;
  const rowsOf = (seed: number): Row[] => rows.filter((row) => row.seed === seed);
  return new Map(
    provenance.seeds.map((seed) => [
      seed,
      { rows: rowsOf(seed), seconds: provenance.seconds.bySeed[seed] ?? 0 },
    ]),
  );
}

function round(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
