import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { commands } from './readme.ts';

/** Prints each command that a README tells its reader to type, once. */
const root = resolve(import.meta.dirname, '../../..');
const files = globSync(['README.md', 'packages/*/README.md'], { cwd: root });
const all = files.flatMap((file) => commands(readFileSync(join(root, file), 'utf8')));
process.stdout.write([...new Set(all)].map((command) => `${command}\n`).join(''));
