import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Names } from './names.ts';
import { formatted } from './render.ts';

/**
 * What of the workspace names its packages one by one, with the new one added: the README's table.
 *
 * @throws Error where there is none.
 */
export async function register(names: Names, root: string): Promise<Map<string, string>> {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const last = [...readme.matchAll(/^\| \[`@ockham\/.*\|\n/gm)].at(-1);
  if (last === undefined)
    throw new Error('new-package: the README must have a table of packages, found none.');
  const cells = last[0].trim().split(/(?<!\\)\|/).length - 2;
  const row = [
    `[\`@ockham/${names.kebab}\`](packages/${names.kebab})`,
    names.title,
    ...Array<string>(cells - 2).fill(''),
  ];
  const at = last.index + last[0].length;
  const table = `${readme.slice(0, at)}| ${row.join(' | ')} |\n${readme.slice(at)}`;

  return new Map([['README.md', await formatted(table, join(root, 'README.md'))]]);
}
