import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchResult } from './bench.ts';
import { conditions, digits, wasBusy } from './table.ts';

const start = '<!-- bench:start -->';
const end = '<!-- bench:end -->';

/** A package's README as it is, and as its saved results make it. */
export interface BenchReadme {
  readonly path: string;
  readonly present: string;
  readonly wanted: string;
}

/**
 * Puts the tables of the results in `bench/results` between the markers of a package's README.
 *
 * @throws Error where there are results and no markers
 */
export async function benchReadme(folder: string): Promise<BenchReadme> {
  const path = join(folder, 'README.md');
  const present = await readFile(path, 'utf8').catch(() => '');
  const files = globSync(join(folder, 'bench/results/*.json')).sort();
  const [from, to] = [present.indexOf(start), present.indexOf(end)];
  if (from < 0 || to < from) {
    if (files.length === 0) return { path, present, wanted: present };
    throw new Error(
      `ockham-bench --readme: ${path} must hold the lines ${start} and ${end}, in this order. Add them where the results belong.`,
    );
  }
  const results = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as BenchResult),
  );
  const cards =
    results.map(card).join('\n') || 'No results of an idle machine yet: `pnpm bench` measures them.\n';
  const wanted = `${present.slice(0, from + start.length)}\n<!-- prettier-ignore-start -->\n\n${cards}\n<!-- prettier-ignore-end -->\n${present.slice(to)}`;
  return { path, present, wanted };
}

/** A second table, of what is no time of a variant; quartiles stand behind what they are of. */
function counted(figures: BenchResult['figures']): string {
  const quartile = /, (?:lower|upper) quartile$/;
  const rows = Object.entries(figures)
    .filter(([name]) => !quartile.test(name) || !(name.replace(quartile, '') in figures))
    .map(([name, value]) => {
      const [low, high] = [figures[`${name}, lower quartile`], figures[`${name}, upper quartile`]];
      const spread = low === undefined || high === undefined ? '' : ` (${digits(low)} to ${digits(high)})`;
      return `| ${name} | ${digits(value)}${spread} |`;
    });
  return rows.length === 0 ? '' : `\n| | |\n| --- | --- |\n${rows.join('\n')}\n`;
}

function card(result: BenchResult): string {
  const { id, question, timings, ratios, figures, skipped } = result;
  const rows = ratios.map((r) => {
    const ms = (name: string): string => `${digits(timings[name]!.median)} ms`;
    const wanted =
      r.wanted === undefined ? '' : `${digits(r.wanted)}: ${r.reached ? 'reached' : '**not reached**'}`;
    return `| ${r.variant}: ${ms(r.variant)} | ${r.against}: ${ms(r.against)} | ${digits(r.median)} (${digits(r.lowerQuartile)} to ${digits(r.upperQuartile)}) | ${wanted} |`;
  });
  const left = Object.entries(skipped).map(([name, why]) => `${name} was skipped: ${why}. `);
  const compared =
    rows.length === 0
      ? ''
      : `\n| | against | times as fast | wanted |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  return `**${question}** (\`${id}\`)
${compared}${counted(figures)}
${left.join('')}${conditions(result)}${wasBusy(result) ? '; the machine was busy' : ''}.
`;
}
