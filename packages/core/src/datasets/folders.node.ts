import { existsSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { DataError } from '../errors.ts';
import { ockhamCache, workspaceRoot } from '../files/ockham-folders.node.ts';

/**
 * The folder that holds one folder for each data set: `folder`, else `OCKHAM_DATA`. A relative path is taken
 * from the working directory, then from the workspace root, so that one value serves every package.
 *
 * @returns Undefined where neither is given.
 * @throws DataError `dataset-missing` where a folder is given that is not there.
 */
export function dataFolder(who: string, folder: string | undefined): string | undefined {
  const given = folder ?? (process.env.OCKHAM_DATA || undefined);
  if (given === undefined) return undefined;
  const root = workspaceRoot();
  const candidates = isAbsolute(given) ? [given] : [resolve(given), ...(root ? [resolve(root, given)] : [])];
  const found = candidates.find((path) => existsSync(path) && statSync(path).isDirectory());
  if (found !== undefined) return found;
  const source = folder === undefined ? 'OCKHAM_DATA' : 'the option folder';
  throw new DataError(
    'dataset-missing',
    `${who}: ${source} must name a folder, got '${given}' and found none at ${[...new Set(candidates)].join(' or ')}. ` +
      `Correct it, or leave it out to download.`,
  );
}

/** Where downloads are kept: `cache`, else `OCKHAM_CACHE`, else `~/.cache/ockham`; then `datasets`. */
export function cacheFolder(cache: string | undefined): string {
  return join(cache === undefined ? ockhamCache() : resolve(cache), 'datasets');
}
