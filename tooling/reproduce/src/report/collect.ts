import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Verdict } from '../claim.ts';
import type { ClaimResult } from '../evaluate.ts';
import { experimentName } from '../experiment.ts';
import { judgeAndDraw } from '../judge-and-draw.ts';
import type { Result } from '../result.ts';
import type { StoredResult } from '../result-files.ts';
import { readResults } from '../result-files.ts';
import type { LoadedExperiment, ReproducingPackage } from '../workspace.ts';
import { findPackages, loadExperiments } from '../workspace.ts';

/** A result as it is shown: verdicts and drawings made from its rows just now. */
export interface ShownResult {
  readonly result: Result;
  readonly file: string;
  /** By the file names that `result.figures` give. */
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
  readonly missing: readonly string[];
}

/** Reads every result of a workspace and judges it again from its rows. */
export async function collectResults(workspace: string): Promise<ShownPackage[]> {
  const packages = await findPackages(workspace);
  const shown: ShownPackage[] = [];
  for (const opened of packages) shown.push(await collectPackage(opened));
  return shown;
}

/** One package's part of {@link collectResults}. */
export async function collectPackage(opened: ReproducingPackage): Promise<ShownPackage> {
  const loaded = await loadExperiments(opened.folder);
  const byExperiment = new Map<string, ShownResult[]>();
  for (const { experiment } of loaded) byExperiment.set(experiment.id, []);
  for (const stored of await readResults(opened.results)) {
    const { experiment } = stored.result;
    const results = byExperiment.get(experiment) ?? [];
    results.push(await showResult(stored, loaded));
    byExperiment.set(experiment, results);
  }
  const experiments: ShownExperiment[] = [];
  const missing: string[] = [];
  for (const [id, results] of byExperiment) {
    const [first, ...others] = results.sort((a, b) => rank(a.result) - rank(b.result));
    if (first) experiments.push({ id, results: [first, ...others] });
    else missing.push(id);
  }
  return { opened, experiments, missing };
}

async function showResult(
  { file, result }: StoredResult,
  loaded: readonly LoadedExperiment[],
): Promise<ShownResult> {
  const found = loaded.find(({ experiment }) => experiment.id === result.experiment);
  if (!found) {
    const drawings = new Map<string, string>();
    for (const { svg } of result.figures)
      if (svg) drawings.set(svg, await readFile(join(dirname(file), svg), 'utf8'));
    return {
      result,
      file,
      drawings,
      notes: ['The experiment is gone from the sources; verdicts are those on file.'],
    };
  }
  const { figures, drawings } = await judgeAndDraw(found.experiment, result.rows, result);
  const { paper, differences } = found.experiment;
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
export function reproduceCommand(opened: ReproducingPackage, { experiment, scale }: Result): string {
  return `${opened.launcher} --filter ${opened.name} reproduce --scale ${scale} --only ${experimentName(experiment)}`;
}

/** `3 min 20 s`. */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`;
}
