import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import satisfies from 'spdx-satisfies';
import type { Project } from './install.ts';

/** What Apache-2.0 may be given away with, and asks no more of a user than a notice. */
const compatible = [
  'Apache-2.0',
  'MIT',
  'MIT-0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
  'CC0-1.0',
];

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly license?: string }>>;
}

/** Every package that npm installed with this one, and its licence. */
export function licences({ folder }: Project): Map<string, string> {
  const { packages } = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as Lock;
  return new Map(
    Object.entries(packages)
      .filter(([path]) => path !== '')
      .map(([path, { version, license }]) => [
        `${path.slice(path.lastIndexOf('node_modules/') + 13)} ${version}`,
        license ?? olderField(join(folder, path, 'package.json')),
      ]),
  );
}

/** The licence as packages named it before npm 2, which lockfiles leave out: `licenses: [{ type }]`, a choice. */
function olderField(file: string): string {
  const { licenses = [] } = JSON.parse(readFileSync(file, 'utf8')) as { licenses?: { type: string }[] };
  return licenses.length === 0 ? 'none' : `(${licenses.map(({ type }) => type).join(' OR ')})`;
}

/** Those that Apache-2.0 does not go with, or that name no licence, in words. */
export function incompatible(found: ReadonlyMap<string, string>): string[] {
  return [...found]
    .filter(([, licence]) => !isCompatible(licence))
    .map(
      ([name, licence]) =>
        `${name} has the licence ${licence}, which must be one of ${compatible.join(', ')}.`,
    );
}

function isCompatible(licence: string): boolean {
  try {
    return satisfies(licence, compatible);
  } catch {
    return false; // no expression of SPDX
  }
}
