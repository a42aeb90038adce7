import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Verdict } from '../claim.ts';
import type { ClaimResult } from '../evaluate.ts';
import { experimentName } from '../experiment.ts';
import { judge, judgeAndDraw } from '../judge-and-draw.ts';
import type { PackagePapers } from '../papers.ts';
import type { Result } from '../result.ts';
import type { StoredResult } from '../result-files.ts';
import { readResults } from '../result-files.ts';
import type { LoadedExperiment, ReproducingPackage } from '../workspace.ts';
import { findPackages, loadExperiments, loadPapers } from '../workspace.ts';

/** A result as it is shown: verdicts and drawings made from its rows just now. */
export interface ShownResult {
  readonly result: Result;
  readonly file: string;
  /** By the file names that `result.figures` give; empty where no drawing was asked for. */
  readonly drawings: ReadonlyMap<string, string>;
  /** What a reader must know: verdicts that differ from those on file, an experiment that is gone. */
  readonly notes: readonly string[];
}

/** All results of one experiment, the one that counts most first: largest scale, full data before a sample. */
export interface ShownExperiment {
  readonly id: string;
  readonly results: readonly [ShownResult, ...ShownResult[]];
}

export interface ShownPackage {
  readonly opened: ReproducingPackage;
  readonly experiments: readonly ShownExperiment[];
  /** Declared, without any result. */
  readonly missing: readonly MissingExperiment[];
  readonly papers: PackagePapers | undefined;
}

/** An experiment that has not run, and the data that it needs. */
export interface MissingExperiment {
  readonly id: string;
  readonly paper: string;
  readonly figures: readonly string[];
  readonly datasets: readonly string[];
}

/** Whether drawings are made: of the result of each experiment that counts most, or none. */
export interface CollectOptions {
  /** Default true. */
  readonly draw?: boolean;
}

/** Reads every result of a workspace and judges it again from its rows. */
export async function collectResults(workspace: string, options?: CollectOptions): Promise<ShownPackage[]> {
  const packages = await findPackages(workspace);
  const shown: ShownPackage[] = [];
  for (const opened of packages) shown.push(await collectPackage(opened, options));
  return shown;
}

/** One package's part of {@link collectResults}. */
export async function collectPackage(
  opened: ReproducingPackage,
  { draw = true }: CollectOptions = {},
): Promise<ShownPackage> {
  const loaded = await loadExperiments(opened.folder);
  const papers = await loadPapers(opened.folder);
  const byExperiment = new Map<string, StoredResult[]>();
  for (const { experiment } of loaded) byExperiment.set(experiment.id, []);
  for (const stored of await readResults(opened.results)) {
    const { experiment } = stored.result;
    byExperiment.set(experiment, [...(byExperiment.get(experiment) ?? []), stored]);
  }
  const experiments: ShownExperiment[] = [];
  const missing: MissingExperiment[] = [];
  for (const [id, results] of byExperiment) {
    const found = loaded.find(({ experiment }) => experiment.id === id);
    const [first, ...others] = results.sort((a, b) => rank(a.result) - rank(b.result));
    if (first) {
      const main = await showResult(first, found, draw);
      const rest = await Promise.all(others.map((other) => showResult(other, found, false)));
      experiments.push({ id, results: [main, ...rest] });
    } else if (found) {
      const { paper, figures, datasets } = found.experiment;
      missing.push({ id, paper, figures: figures.map((figure) => figure.id), datasets });
    }
  }
  return { opened, experiments, missing, papers };
}

async function showResult(
  { file, result }: StoredResult,
  found: LoadedExperiment | undefined,
  draw: boolean,
): Promise<ShownResult> {
  if (!found) {
    const drawings = new Map<string, string>();
    for (const { svg } of draw ? result.figures : [])
      if (svg) drawings.set(svg, await readFile(join(dirname(file), svg), 'utf8'));
    return {
      result,
      file,
      drawings,
      notes: ['The experiment is gone from the sources; verdicts are those on file.'],
    };
  }
  const { experiment } = found;
  const { figures, drawings } = draw
    ? await judgeAndDraw(experiment, result.rows, result)
    : { figures: judge(experiment, result.rows, result), drawings: new Map<string, string>() };
  const { paper, differences } = experiment;
  const judged: Result = { ...result, paper, differences, figures };
  return { result: judged, file, drawings, notes: changedVerdicts(result, judged) };
}

function changedVerdicts(onFile: Result, judged: Result): string[] {
  const before = new Map(
    onFile.figures.flatMap(({ figure, claims }) => claims.map((c) => [`${figure}: ${c.text}`, c.verdict])),
  );
  return judged.figures.flatMap(({ figure, claims }) =>
    claims.flatMap(({ text, verdict }) => {
      const former = before.get(`${figure}: ${text}`);
      if (former === verdict) return [];
      return [`${text}: ${verdict} from these rows, ${former ?? 'not judged'} in the result file.`];
    }),
  );
}

/** Skipped results tell least; of the others the largest scale counts, and of one scale the full data. */
function rank({ skipped, scale, sample }: Result): number {
  const scales = { paper: 0, extended: 1, standard: 2, smoke: 3 };
  return (skipped === undefined ? 0 : 10) + (sample ? 5 : 0) + scales[scale];
}

/** The claims of a result, those of all figures together. */
export function allClaims(result: Result): ClaimResult[] {
  return result.figures.flatMap(({ claims }) => claims);
}

/** Claims by verdict. */
export function countVerdicts(claims: readonly ClaimResult[]): Readonly<Record<Verdict, number>> {
  const counts = { reproduced: 0, 'not reproduced': 0, inconclusive: 0, skipped: 0 };
  for (const { verdict } of claims) counts[verdict]++;
  return counts;
}

/** The command that makes a result again, from a fresh clone. */
export function reproduceCommand(
  opened: ReproducingPackage,
  { experiment, scale }: Pick<Result, 'experiment' | 'scale'>,
): string {
  return `${opened.launcher} --filter ${opened.name} reproduce --scale ${scale} --only ${experimentName(experiment)}`;
}

/** The result that stays in the repository and counts most, if there is one: no smoke run, no sample. */
export function lasting({ results }: ShownExperiment): ShownResult | undefined {
  return results.find(({ result }) => result.scale !== 'smoke' && !result.sample);
}

/** `1 seed`, `3 seeds`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `3 min 20 s`. */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`;
}
