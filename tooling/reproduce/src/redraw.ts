import { ArgumentError } from '@ockham/core';
import { chooseExperiments } from './choose-experiments.ts';
import { judgeAndDraw } from './judge-and-draw.ts';
import type { Result } from './result.ts';
import { readResults, writeResult } from './result-files.ts';
import type { ReproducingPackage } from './workspace.ts';

/** Judges and draws the results of a package again, from their rows. Returns a line per result. */
export async function redrawPackage(
  opened: ReproducingPackage,
  only: readonly string[] = [],
): Promise<string[]> {
  const chosen = await chooseExperiments(opened, only);
  const lines: string[] = [];
  for (const { file, result } of await readResults(opened.results)) {
    const found = chosen.find(({ experiment }) => experiment.id === result.experiment);
    if (!found) {
      if (only.length === 0)
        lines.push(`${result.experiment} (${result.scale}): left alone, its experiment is gone`);
      continue;
    }
    const { experiment } = found;
    const { figures, drawings } = await judgeAndDraw(experiment, result.rows, result);
    const { paper, differences } = experiment;
    const redrawn: Result = { ...result, paper, differences, figures };
    await writeResult(file, redrawn, drawings);
    lines.push(
      `${result.experiment} (${result.scale}${result.sample ? ', embedded sample' : ''}): ${drawings.size} figures drawn`,
    );
  }
  if (lines.length === 0) {
    throw new ArgumentError(
      `ockham-reproduce: ${opened.name} has no results to draw. Run ockham-reproduce first.`,
    );
  }
  return lines;
}
