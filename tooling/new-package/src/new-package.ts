import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { namesOf } from './names.ts';
import { register } from './register.ts';
import { render } from './render.ts';

/**
 * Makes a method package in the workspace `root`: all rooms, one example method that works, its tests, an experiment, a bench, a
 * changeset.
 *
 * @returns the paths that were written, within the workspace.
 * @throws Error for a name that is not one or is taken; nothing is written then.
 */
export async function newPackage(root: string, name: string, title?: string): Promise<string[]> {
  const names = namesOf(name, title);
  for (const place of [`packages/${name}`, `tooling/${name}`, `.changeset/${name}.md`]) {
    if (existsSync(join(root, place))) {
      throw new Error(`new-package: ${place} is there already. Choose another name, or remove it first.`);
    }
  }
  const files = new Map([...(await render(names, root)), ...(await register(names, root))]);
  const draft = join(root, 'packages', `.${name}.tmp`); // of packages/, the last step shows all or nothing
  rmSync(draft, { recursive: true, force: true });
  const own = `packages/${name}/`;
  for (const [path, text] of files) {
    const to = path.startsWith(own) ? join(draft, path.slice(own.length)) : join(root, path);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, text);
  }
  renameSync(draft, join(root, 'packages', name));
  return [...files.keys()];
}
