import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ArgumentError } from '@ockham/core';
import { splitReference } from '../papers.ts';
import type { ShownPackage } from './collect.ts';
import { lasting } from './collect.ts';
import { escapeMarkdown as md } from './markdown.ts';
import { packageClaims, verdictCounts } from './verdict-line.ts';

/** The root README's table: every package, what it does, one figure of ours, its verdicts. */
export async function packageTable(workspace: string, packages: readonly ShownPackage[]): Promise<string> {
  const folders = (await readdir(join(workspace, 'packages'))).sort();
  const rows: string[] = [];
  for (const folder of folders) {
    const manifest = await readFile(join(workspace, 'packages', folder, 'package.json'), 'utf8').catch(
      () => '',
    );
    if (manifest === '') continue;
    const { name, description } = JSON.parse(manifest) as { name: string; description: string };
    const shown = packages.find(({ opened }) => opened.name === name);
    const cells = shown
      ? [
          md(shown.papers?.effect ?? description),
          md(headline(shown)),
          `[${verdictCounts(packageClaims(shown, lasting))}](REPRODUCIBILITY.md#${folder})`,
        ]
      : [md(description), '–', '–'];
    rows.push(`| [\`${name}\`](packages/${folder}#readme) | ${cells.join(' | ')} |`);
  }
  return `| package | what it does to your model | a figure of ours | claims |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

/**
 * The package's headline with our figures in it, and the verdict unless it is `reproduced`.
 *
 * @throws ArgumentError when it names a claim that the experiment does not make.
 */
export function headline({ opened, experiments, papers }: ShownPackage): string {
  if (!papers) return '–';
  const { figure, claim, say } = papers.headline;
  const wanted = splitReference(figure);
  const experiment = experiments.find(({ id }) => id === wanted.experiment);
  const shown = experiment && lasting(experiment);
  if (!shown) return '–';
  const found = shown.result.figures
    .find(({ figure: id }) => id === wanted.figure)
    ?.claims.find(({ text }) => text === claim);
  if (!found) {
    throw new ArgumentError(
      `ockham-reproduce --report: the headline of ${opened.name} must name a claim of ${figure}, got “${claim}”. Take the claim’s words.`,
    );
  }
  const { ours, verdict } = found;
  return `${say.replace('{ours}', () => withoutDifference(ours))}${verdict === 'reproduced' ? '' : ` (${verdict})`}`;
}

/** A headline has both figures; what lies between them stands in the details. */
function withoutDifference(ours: string): string {
  return ours.replace(/; difference [^(]*/, ' ').replace(/\(difference [^()]*, (n = \d+)\)/, '($1)');
}
