import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Provenance } from '../dataset.ts';
import { ArgumentError, DataError, throwIfAborted } from '../errors.ts';
import { findForm, type TextFolderOptions } from './text-file.node.ts';

/** Options of {@link tabular}. */
export interface TabularOptions extends TextFolderOptions {
  /** Bytes that a table may unpack to. Default 512 MiB, the longest text that Node holds. */
  readonly most?: number;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** Tables as texts, which `readCsv` and `readLibsvm` of `@ockham/feature-subsample` read. */
export interface TabularFiles {
  /** Always `tabular`. */
  readonly name: 'tabular';
  /** By the names asked for. */
  readonly files: ReadonlyMap<string, string>;
  /** Where the files came from, and their checksums. */
  readonly provenance: Provenance;
}

/**
 * Tables of numbers as texts from a folder `tabular` of `OCKHAM_DATA` or of the cache, for example `a9a` from `a9a.gz`, or
 * from `a9a` where it is not compressed; not for download.
 *
 * @throws DataError `dataset-missing` saying what to put where; `corrupt-file` for a broken archive, or one that unpacks to
 *   more than `most`. ArgumentError for a name that is a path.
 *
 * @example
 * const { files } = await tabular(['a9a']);
 * const { A, b } = readLibsvm(files.get('a9a'));
 */
export async function tabular(names: readonly string[], options: TabularOptions = {}): Promise<TabularFiles> {
  const checksums: Record<string, string> = {};
  const files = new Map<string, string>();
  let source: Provenance['source'] = 'folder';
  const { most = 2 ** 29 - 24 } = options;
  const odd = names.find((name) => !/^[\w.-]+$/.test(name) || /^\.+$/.test(name));
  if (odd !== undefined) {
    throw new ArgumentError(`tabular: a name must be that of a file in the folder tabular, got '${odd}'.`);
  }
  for (const name of names) {
    throwIfAborted(options.signal, 'tabular');
    const place = (file: string) => ({ path: ['tabular'], files: [{ name: file }] });
    const found = findForm('tabular', [`${name}.gz`, name], place, options);
    const path = join(found.home, found.form);
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw new DataError('dataset-missing', `tabular: ${path} cannot be read. Check its permissions.`, {
        cause,
      });
    });
    checksums[found.form] = createHash('sha256').update(bytes).digest('hex');
    files.set(name, (found.form === name ? bytes : unpacked(bytes, path, most)).toString('utf8'));
    source = found.source;
  }
  return { name: 'tabular', files, provenance: { source, checksums } };
}

function unpacked(bytes: Buffer, path: string, most: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: most });
  } catch (cause) {
    const large = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    const what = large ? `unpacks to more than ${most} bytes` : 'is no gzip file';
    throw new DataError('corrupt-file', `tabular: ${path} ${what}. Take a fresh copy.`, { cause });
  }
}
