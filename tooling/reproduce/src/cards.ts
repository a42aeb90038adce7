import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ArgumentError } from '@ockham/core';
import { writeFileAtomic } from '@ockham/core/files/node';
import type { ResultFigure } from './result.ts';
import type { ShownResult } from './report/collect.ts';
import { collectPackage, formatDuration, reproduceCommand } from './report/collect.ts';
import { escapeMarkdown as md } from './report/markdown.ts';
import { lasting } from './report/reproducibility.ts';
import type { ReproducingPackage } from './workspace.ts';

const start = '<!-- results:start -->';
const end = '<!-- results:end -->';

/**
 * Writes a card per figure between the markers of a package's README: from the largest scale on full data.
 *
 * @throws ArgumentError when the README has no markers; it is left as it is.
 */
export async function writeCards(opened: ReproducingPackage): Promise<string> {
  const path = join(opened.folder, 'README.md');
  const readme = await readFile(path, 'utf8').catch(() => '');
  const from = readme.indexOf(start);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) {
    throw new ArgumentError(
      `ockham-reproduce --cards: ${path} must hold the lines ${start} and ${end}, in this order. Add them where the results belong.`,
    );
  }
  const cards = await resultCards(opened);
  const updated = `${readme.slice(0, from + start.length)}\n<!-- prettier-ignore-start -->\n\n${cards}\n<!-- prettier-ignore-end -->\n${readme.slice(to)}`;
  if (updated !== readme) await writeFileAtomic(path, new TextEncoder().encode(updated));
  return `${path}: ${updated === readme ? 'up to date' : 'results written'}`;
}

async function resultCards(opened: ReproducingPackage): Promise<string> {
  const { experiments } = await collectPackage(opened);
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
      ? `Scale ${scale}, ${seeds.length} seeds (${seeds.join(', ')}), ${formatDuration(seconds.total)} on ${machine.cores} cores, engine ${engine.name}.`
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
