import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ArgumentError } from '@ockham/core';
import { writeFileAtomic } from '@ockham/core/files/node';
import { replaceBetween } from './between-markers.ts';
import type { ResultFigure } from './result.ts';
import type { ShownPackage, ShownResult } from './report/collect.ts';
import { collectPackage, counted, formatDuration, lasting, reproduceCommand } from './report/collect.ts';
import { escapeMarkdown as md } from './report/markdown.ts';
import { verdictLine } from './report/verdict-line.ts';
import type { ReproducingPackage } from './workspace.ts';

/**
 * Writes a card per figure between the markers of a package's README, from the largest scale on full data, and the count
 * of verdicts where it has markers for that.
 *
 * @throws ArgumentError when the README has no markers for the cards; it is left as it is.
 */
export async function writeCards(opened: ReproducingPackage): Promise<string> {
  const path = join(opened.folder, 'README.md');
  const readme = await readFile(path, 'utf8').catch(() => '');
  const shown = await collectPackage(opened, { draw: false });
  const updated = withCards(readme, shown);
  if (updated === undefined) {
    throw new ArgumentError(
      `ockham-reproduce --cards: ${path} must hold the lines <!-- results:start --> and <!-- results:end -->, in this order. Add them where the results belong.`,
    );
  }
  if (updated !== readme) await writeFileAtomic(path, new TextEncoder().encode(updated));
  return `${path}: ${updated === readme ? 'up to date' : 'results written'}`;
}

/** A README with the cards and the verdicts of its package; undefined where it has no place for cards. */
export function withCards(readme: string, shown: ShownPackage): string | undefined {
  const updated = replaceBetween(readme, 'results', resultCards(shown));
  if (updated === undefined) return undefined;
  return replaceBetween(updated, 'verdicts', `${verdictLine(shown)}\n`) ?? updated;
}

function resultCards({ opened, experiments }: ShownPackage): string {
  const cards = experiments.flatMap((experiment) => {
    const shown = lasting(experiment);
    return shown ? [experimentCards(opened, shown)] : [];
  });
  return cards.join('\n') || 'No results of standard or paper scale yet.\n';
}

function experimentCards(opened: ReproducingPackage, { result }: ShownResult): string {
  const { differences, figures, provenance, scale, skipped } = result;
  const { seeds, seconds, engine, machine } = provenance;
  const ran =
    skipped === undefined
      ? `Scale ${scale}, ${counted(seeds.length, 'seed')} (${seeds.join(', ')}), ${formatDuration(seconds.total)} on ${machine.cores} cores, engine ${engine.name}.`
      : `Skipped: ${md(skipped)}`;
  const numbered = differences.map((text, i) => `${i + 1}. ${md(text)}`).join('\n');
  return `${figures.map((figure) => figureCard(figure, scale)).join('\n')}
${ran} \`${reproduceCommand(opened, result)}\`
${numbered && `\nDifferences from the paper:\n\n${numbered}\n`}`;
}

function figureCard({ title, svg, claims, paperClaim }: ResultFigure, scale: string): string {
  const rows = claims.map(({ text, ours, paper, verdict, why }) => {
    const told = ['reproduced', 'skipped'].includes(verdict); // why all were skipped is said once, below
    const reason = told || !why ? '' : `: ${md(why)}`;
    return `| ${md(text)} | ${md(ours)} | ${md(paper)} | **${verdict}**${reason} |`;
  });
  const image = svg ? `![${md(title)}](reproduce/results/${scale}/${svg})\n\n` : '';
  return `### ${md(title)}

${paperClaim === title ? '' : `${md(paperClaim)}\n\n`}${image}| claim | ours (mean ± sd, n) | paper | verdict |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
