import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';

/**
 * Where downloads and builds are kept: `OCKHAM_CACHE`, else `~/.cache/ockham`. A relative `OCKHAM_CACHE` is taken from
 * the workspace root, and outside a workspace from the working directory, so that every package of a workspace means the
 * same folder.
 */
export function ockhamCache(): string {
  const { OCKHAM_CACHE: chosen } = process.env;
  if (!chosen) return join(homedir(), '.cache', 'ockham');
  return isAbsolute(chosen) ? chosen : resolve(workspaceRoot() ?? '.', chosen);
}

/** The nearest folder upwards with a pnpm-workspace.yaml. */
export function workspaceRoot(): string | undefined {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'pnpm-workspace.yaml'))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}
