import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Names } from './names.ts';
import { formatted } from './render.ts';

interface Turbo {
  tasks: { '@ockham/reproduce#report': { dependsOn: string[] } };
}

/**
 * What of the workspace names its packages one by one, with the new one added: the report waits for its experiments, the README
 * has a row for it.
 *
 * @throws Error where these places are not found.
 */
export async function register(names: Names, root: string): Promise<Map<string, string>> {
  const turbo = JSON.parse(readFileSync(join(root, 'turbo.json'), 'utf8')) as Turbo;
  turbo.tasks['@ockham/reproduce#report'].dependsOn.push(`@ockham/${names.kebab}#reproduce`);

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

  return new Map([
    ['turbo.json', await formatted(JSON.stringify(turbo, null, 2), join(root, 'turbo.json'))],
    ['README.md', await formatted(table, join(root, 'README.md'))],
  ]);
}
