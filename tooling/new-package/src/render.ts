import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import type { Names } from './names.ts';

const template = join(import.meta.dirname, '../template');

/**
 * The files of a new package by their path within the workspace, formatted as the workspace is.
 *
 * @param root The workspace, for its formatting.
 */
export async function render(names: Names, root: string): Promise<Map<string, string>> {
  const fill = (text: string): string =>
    text
      .replaceAll('__name__', names.kebab)
      .replaceAll('__fn__', names.camel)
      .replaceAll('__Fn__', names.pascal)
      .replaceAll('__title__', names.title);
  const files = new Map<string, string>();
  for (const source of globSync('**/*.tpl', { cwd: template }).sort()) {
    const file = fill(source.slice(0, -'.tpl'.length));
    const path = file === 'changeset.md' ? `.changeset/${names.kebab}.md` : `packages/${names.kebab}/${file}`;
    files.set(path, await formatted(fill(readFileSync(join(template, source), 'utf8')), join(root, path)));
  }
  return files;
}

/** As `pnpm format` would leave it. */
export async function formatted(text: string, path: string): Promise<string> {
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}
