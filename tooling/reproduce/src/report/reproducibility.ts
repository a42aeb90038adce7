import { experimentName } from '../experiment.ts';
import type { ResultFigure } from '../result.ts';
import type { ShownExperiment, ShownPackage, ShownResult } from './collect.ts';
import { countVerdicts, formatDuration, reproduceCommand } from './collect.ts';
import { escapeMarkdown as md } from './markdown.ts';

type Status = 'verified' | 'partly' | 'not' | 'open';

const headings: Readonly<Record<Status, readonly [string, string]>> = {
  verified: ['Verified', 'Every claim holds.'],
  partly: ['Partly', 'Some claims hold; the others fail or are not decided.'],
  not: ['Not reproduced', 'Claims fail and none holds.'],
  open: ['Open', 'Not decided, skipped, or not run yet.'],
};

/** `REPRODUCIBILITY.md`, from results of `standard` and `paper` scale on full data. */
export function reproducibilityPage(packages: readonly ShownPackage[]): string {
  const entries: Record<Status, string[]> = { verified: [], partly: [], not: [], open: [] };
  for (const { opened, experiments, missing } of packages) {
    for (const experiment of experiments) {
      const main = lasting(experiment);
      if (!main) {
        entries.open.push(
          `- ${opened.name}, \`${experimentName(experiment.id)}\`: no result of standard or paper scale on full data yet`,
        );
        continue;
      }
      for (const figure of main.result.figures) {
        entries[statusOf(figure)].push(
          figureEntry(figure, main, reproduceCommand(opened, main.result), opened.name),
        );
      }
    }
    for (const id of missing) entries.open.push(`- ${opened.name}, \`${experimentName(id)}\`: not run yet`);
  }
  const sections = (Object.keys(headings) as Status[])
    .filter((status) => entries[status].length > 0)
    .map(
      (status) => `## ${headings[status][0]}\n\n${headings[status][1]}\n\n${entries[status].join('\n')}\n`,
    );
  return `# Reproducibility

Generated from the results in \`packages/*/reproduce/results\` by \`pnpm report\`; do not edit. Each verdict is computed
from the rows of a run, over the seeds stated. The package READMEs show the figures, and \`pnpm report\` builds a page with all of them.

${sections.join('\n') || 'There are no results yet.\n'}`;
}

/** The result that stays in the repository and counts most, if there is one. */
export function lasting({ results }: ShownExperiment): ShownResult | undefined {
  return results.find(({ result }) => result.scale !== 'smoke' && !result.sample);
}

function statusOf({ claims }: ResultFigure): Status {
  const counts = countVerdicts(claims);
  if (claims.length > 0 && counts.reproduced === claims.length) return 'verified';
  if (counts.reproduced > 0) return 'partly';
  return counts['not reproduced'] > 0 ? 'not' : 'open';
}

function figureEntry(figure: ResultFigure, { result }: ShownResult, command: string, name: string): string {
  const { seeds, seconds } = result.provenance;
  const where =
    result.skipped === undefined
      ? `${result.scale}, ${seeds.length} seeds, ${formatDuration(seconds.total)}`
      : `${result.scale}, skipped: ${md(result.skipped)}`;
  const claims = figure.claims.map(
    ({ verdict, text, ours, paper, why }) =>
      `  - **${verdict}**: ${md(text)}. Ours: ${md(ours)}. Paper: ${md(paper)}.${verdict === 'reproduced' || !why ? '' : ` Why: ${md(why)}.`}`,
  );
  return [`- ${name}, ${md(figure.title)} (${where}): \`${command}\``, ...claims].join('\n');
}
