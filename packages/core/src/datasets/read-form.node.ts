import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { DataError, throwIfAborted } from '../errors.ts';
import type { DatasetContent, DatasetFile, DatasetForm } from './recipe.ts';

/** What one form gave, and the SHA-256 of each file it was read from. */
export interface FormContent extends DatasetContent {
  readonly checksums: Readonly<Record<string, string>>;
}

/** The files of a form that are not in `folder`. */
export function missingFiles(folder: string, form: DatasetForm): string[] {
  return form.files.filter(({ name }) => !existsSync(join(folder, name))).map(({ name }) => name);
}

/**
 * Reads every file of a form from `folder`, checks each against its pinned checksum, and parses.
 *
 * @throws DataError `checksum-mismatch` or `corrupt-file` naming the file; nothing on disk is touched.
 */
export async function readForm(
  who: string,
  folder: string,
  form: DatasetForm,
  signal?: AbortSignal,
): Promise<FormContent> {
  const contents = await Promise.all(
    form.files.map(async (file) => [file.name, await readChecked(who, folder, file)] as const),
  );
  throwIfAborted(signal, who);
  return {
    ...form.parse(new Map(contents)),
    checksums: Object.fromEntries(form.files.map(({ name, sha256 }) => [name, sha256])),
  };
}

/** One file of a data set, checked against its pinned checksum and, where it is `.gz`, decompressed. */
export async function readChecked(who: string, folder: string, file: DatasetFile): Promise<Uint8Array> {
  const path = join(folder, file.name);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new DataError('dataset-missing', `${who}: ${path} cannot be read. Check its permissions.`, {
      cause,
    });
  });
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== file.sha256) throw refusal(who, path, bytes, file, actual);
  return file.name.endsWith('.gz') ? unzip(who, path, bytes) : bytes;
}

/** Tells a file that was cut off from one whose content is not the published one. */
function refusal(who: string, path: string, bytes: Uint8Array, file: DatasetFile, actual: string): DataError {
  const next = 'Delete it and run again to download, or put the official file in its place.';
  if (bytes.length < file.bytes) {
    return new DataError(
      'corrupt-file',
      `${who}: ${path} is cut off: it must have ${file.bytes} bytes, got ${bytes.length}. ${next}`,
    );
  }
  return new DataError(
    'checksum-mismatch',
    `${who}: ${path} must have the SHA-256 ${file.sha256}, got ${actual}. Its content is not the published one. ${next}`,
  );
}

const inflate = promisify(gunzip);

async function unzip(who: string, path: string, bytes: Uint8Array): Promise<Uint8Array> {
  try {
    return await inflate(bytes);
  } catch (cause) {
    throw new DataError(
      'corrupt-file',
      `${who}: ${path} is not a whole gzip file. Replace it with a fresh copy.`,
      {
        cause,
      },
    );
  }
}
