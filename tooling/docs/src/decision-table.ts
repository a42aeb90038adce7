import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DecisionRow } from './decision-rows.ts';

interface Result {
  readonly scale: string;
  readonly figures: readonly {
    readonly claims: readonly { readonly text: string; readonly ours: string; readonly verdict: string }[];
  }[];
}

const start = '<!-- figures:start -->';
const end = '<!-- figures:end -->';

/**
 * The table with its figures, from the largest scale that was recorded of each experiment.
 *
 * @throws Error for a claim that no result has.
 */
export function decisionTable(rows: readonly DecisionRow[], root: string): string {
  const lines = rows.map(({ want, call, measured, limit }) => {
    const figures = measured.map(([experiment, claim]) => figure(root, experiment, claim));
    return `| ${want} | ${call} | ${figures.join('<br>')} | ${limit} |`;
  });
  return `| you want | call | measured | mind |\n| --- | --- | --- | --- |\n${lines.join('\n')}\n`;
}

/** The guide with the table between its markers. */
export function withTable(guide: string, table: string): string {
  const [from, to] = [guide.indexOf(start), guide.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs: the guide must hold ${start} and ${end}, in this order.`);
  return `${guide.slice(0, from + start.length)}\n<!-- prettier-ignore-start -->\n\n${table}\n<!-- prettier-ignore-end -->\n${guide.slice(to)}`;
}

function figure(root: string, experiment: string, claim: string): string {
  const [owner, name] = experiment.split('/') as [string, string];
  const file = ['paper', 'extended', 'standard']
    .map((scale) => join(root, 'packages', owner, 'reproduce/results', scale, `${name}.json`))
    .find((path) => existsSync(path));
  if (file === undefined) throw new Error(`docs: there is no recorded result of ${experiment}.`);
  const { scale, figures } = JSON.parse(readFileSync(file, 'utf8')) as Result;
  const found = figures.flatMap(({ claims }) => claims).filter(({ text }) => text.startsWith(claim));
  if (found.length !== 1) {
    throw new Error(`docs: one claim of ${experiment} must begin with “${claim}”, ${found.length} do.`);
  }
  const { text, ours, verdict } = found[0]!;
  return `${escaped(text)}: ${escaped(ours)}, **${verdict}** (${scale})`;
}

function escaped(text: string): string {
  return text.replaceAll(/[|<>*_]/g, (sign) => `\\${sign}`);
}
