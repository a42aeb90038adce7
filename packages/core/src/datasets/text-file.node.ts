import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Provenance } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { cacheFolder, dataFolder } from './folders.node.ts';
import type { TextFile } from './text-file.ts';

/** Where texts may come from. */
export interface TextFolderOptions {
  /** Holds one folder for each collection, for example `glue`. Default: `OCKHAM_DATA`. */
  readonly folder?: string;
  /** Files may also lie in its folder `datasets`. Default: `OCKHAM_CACHE`, else `~/.cache/ockham`. */
  readonly cache?: string;
}

/** Where the files of a form lie: a path below the data folder, and their names. */
export interface FormPlace {
  readonly path: readonly string[];
  readonly files: readonly TextFile[];
}

/** A form whose files are all there. */
export interface FoundForm<F> {
  readonly home: string;
  readonly source: Provenance['source'];
  readonly form: F;
}

/**
 * Looks in the data folder, then in the cache, for the first form whose files are all there. Texts are not downloaded.
 *
 * @throws DataError `dataset-missing` saying which files to put where.
 */
export function findForm<F>(
  who: string,
  forms: readonly F[],
  placeOf: (form: F) => FormPlace,
  options: TextFolderOptions,
): FoundForm<F> {
  const folder = dataFolder(who, options.folder);
  const cache = cacheFolder(options.cache);
  const roots = [...(folder === undefined ? [] : [[folder, 'folder'] as const]), [cache, 'cache'] as const];
  for (const [root, source] of roots) {
    for (const form of forms) {
      const { path, files } = placeOf(form);
      const home = join(root, ...path);
      if (files.every(({ name }) => existsSync(join(home, name)))) return { home, source, form };
    }
  }
  const wanted = forms.map((form) => {
    const { path, files } = placeOf(form);
    return files.map(({ name }) => [...path, name].join('/')).join(' and ');
  });
  throw new DataError(
    'dataset-missing',
    `${who}: no copy was found, and it is not for download here. Put ${wanted.join(', or ')} into the folder that OCKHAM_DATA names, or into ${cache}.`,
  );
}

/** A text that was read and checked. */
export interface CheckedText<T> {
  readonly content: T;
  readonly sha256: string;
  /** Set where the file is not the copy whose checksum is known. */
  readonly note?: string;
}

/**
 * Reads a UTF-8 file and parses it. A file with the known checksum passes; another must have as many examples
 * or tokens as the published one.
 *
 * @param count Examples or tokens of what was parsed.
 * @throws DataError `corrupt-file` where it is no UTF-8 or does not parse, `checksum-mismatch` where it is neither.
 */
export async function readText<T>(
  who: string,
  home: string,
  file: TextFile,
  parse: (text: string, who: string) => T,
  count: (content: T) => number,
): Promise<CheckedText<T>> {
  const path = join(home, file.name);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new DataError('dataset-missing', `${who}: ${path} cannot be read. Check its permissions.`, {
      cause,
    });
  });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const content = parse(decode(who, path, bytes), `${who}: ${path}`);
  if (sha256 === file.sha256) return { content, sha256 };
  const rows = count(content);
  if (rows === file.rows) {
    const note = `${file.name} was checked by its length only (${rows}), not by a known checksum.`;
    return { content, sha256, note };
  }
  const wanted = [
    ...(file.sha256 === undefined ? [] : [`the SHA-256 ${file.sha256}`]),
    ...(file.rows === undefined ? [] : [`the length ${file.rows}`]),
  ].join(', or at least ');
  throw new DataError(
    'checksum-mismatch',
    `${who}: ${path} must have ${wanted}; got ${sha256} and ${rows}. Put the official file in its place.`,
  );
}

function decode(who: string, path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new DataError('corrupt-file', `${who}: ${path} is not UTF-8. Take a fresh copy of the file.`, {
      cause,
    });
  }
}
