import { basename } from 'node:path';
import { experimentName } from '../experiment.ts';
import type { ResultFigure } from '../result.ts';
import { anchorOf } from './anchors.ts';
import type { ShownPackage, ShownResult } from './collect.ts';
import { counted, countVerdicts, formatDuration, lasting, reproduceCommand } from './collect.ts';
import { escapeMarkdown as md } from './markdown.ts';
import type { PackageRows, PaperRow } from './paper-rows.ts';
import { rowsOf, statusCounts, statuses } from './paper-rows.ts';
import { packageClaims, verdictCounts } from './verdict-line.ts';

/** `REPRODUCIBILITY.md`, from results of `standard` and `paper` scale on full data: summaries first, then each claim. */
export function reproducibilityPage(packages: readonly ShownPackage[]): string {
  const all = rowsOf(packages, lasting);
  return `# Reproducibility

Every figure and table of the papers, what became of it here, and each claim with our figures. Generated from the results
in \`packages/*/reproduce/results\` by \`pnpm report\`; do not edit. A verdict is computed from the rows of a run, over the
seeds stated. \`report/index.html\`, which \`pnpm report\` builds, shows the same with the figures drawn.

## At a glance

| paper | figures and tables | claims |
| --- | --- | --- |
${packages.map((shown, i) => glance(shown, all[i]!)).join('\n')}

A paper's claims are counted with those that we add: bars that we set, and questions beyond its figures.

${Object.entries(statuses)
  .map(([status, meaning]) => `- **${status}**: ${meaning}`)
  .join('\n')}

## Figures and tables

${all.map((rows, i) => summary(packages[i]!, rows)).join('\n')}
## Each claim

${packages.map(details).join('\n')}`;
}

function nameOf({ opened }: Pick<PackageRows, 'opened'>): string {
  return basename(opened.folder);
}

function glance(shown: ShownPackage, rows: PackageRows): string {
  const name = nameOf(shown);
  const titles = rows.papers.map(({ title }) => md(title)).join('; ') || name;
  return `| [${name}](#${name}): ${titles} | ${statusCounts(rows) || '–'} | ${verdictCounts(packageClaims(shown, lasting))} |`;
}

function summary(shown: ShownPackage, { papers, beyond }: PackageRows): string {
  const name = nameOf(shown);
  const tables = papers.map(({ title, rows }) => table(`${md(title)}.`, 'figure or table', rows));
  const rest = beyond.length > 0 ? [table('Beyond its figures and tables.', 'experiment', beyond)] : [];
  return `### ${name}\n\n${[...tables, ...rest].join('\n')}`;
}

function table(caption: string, head: string, rows: readonly PaperRow[]): string {
  return `${caption}\n\n| ${head} | shows | status | claims reproduced |\n| --- | --- | --- | --- |\n${rows.map(line).join('\n')}\n`;
}

function line({ label, shows, status, claims, references, remarks, commands, tests }: PaperRow): string {
  const { reproduced, skipped } = countVerdicts(claims);
  const judged = claims.length - skipped;
  const link = references[0] === undefined ? '' : `#${anchorOf(references[0])}`;
  const count = judged > 0 ? `[${reproduced} of ${claims.length}](${link})` : '';
  const said = [
    ...remarks.map((remark) => md(remark.replace(/\.$/, ''))),
    ...commands.map((command) => `\`${command}\``),
    ...tests.map((path) => `[${basename(path)}](${path})`),
  ];
  return `| ${md(label)} | ${md(shows)} | **${status}**${said.length > 0 ? `: ${said.join('; ')}` : ''} | ${count} |`;
}

function details(shown: ShownPackage): string {
  const { opened, experiments, missing } = shown;
  const blocks = experiments.flatMap((experiment) => {
    const main = lasting(experiment);
    if (!main) return [];
    const command = reproduceCommand(opened, main.result);
    return main.result.figures.map((figure) => figureBlock(figure, main, command));
  });
  const open = [
    ...experiments.filter((experiment) => !lasting(experiment)).map(({ id }) => id),
    ...missing.map(({ id }) => id),
  ].map((id) => `\`${experimentName(id)}\``);
  const rest =
    open.length > 0 ? `Without a result of standard or paper scale on full data: ${open.join(', ')}.\n` : '';
  return `### Claims of ${nameOf(shown)}\n\n${[...blocks, rest].filter((block) => block !== '').join('\n')}`;
}

function figureBlock(figure: ResultFigure, { result }: ShownResult, command: string): string {
  const { seeds, seconds } = result.provenance;
  const ran =
    result.skipped === undefined
      ? `${result.scale}, ${counted(seeds.length, 'seed')}, ${formatDuration(seconds.total)}`
      : `skipped: ${md(result.skipped)}`;
  const claims =
    result.skipped === undefined
      ? figure.claims.map(
          ({ verdict, text, ours, paper, why }) =>
            `- **${verdict}**: ${md(text)}. Ours: ${md(ours)}. Paper: ${md(paper)}.${verdict === 'reproduced' || !why ? '' : ` Why: ${md(why)}.`}`,
        )
      : [`- **skipped**: ${counted(figure.claims.length, 'claim')}`];
  return `#### <a id="${anchorOf(`${result.experiment}#${figure.figure}`)}"></a>${md(figure.title)}

${ran}: \`${command}\`

${claims.join('\n') || 'It is drawn; no claim is made of it.'}
`;
}
