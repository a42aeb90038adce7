import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ArgumentError, DataError } from '../errors.ts';
import { writeFileAtomic } from '../files/write-file.node.ts';

/** Options of {@link saveFolder}. */
export interface SaveFolderOptions {
  /** Replace a folder that holds nothing but what {@link saveFolder} writes. Default false. */
  readonly force?: boolean;
  /** Folders that must not be replaced, for example that of the input. Default none. */
  readonly keep?: readonly string[];
  /** Names the caller in errors. */
  readonly who?: string;
}

/** Files that a result may hold; anything else in a folder is somebody's. */
const OURS = /^(?:model\.json|weights\.bin|model\.sparse|model\.safetensors|tables)$/;

/**
 * Writes files as one folder: all of them go to a temporary folder beside it, which then takes its name. Whoever reads
 * sees the former folder or the new one, never a part.
 *
 * @param files By path within the folder.
 * @throws ArgumentError for a folder that is not empty, without `force`; DataError `storage-failed` where the disk refuses. What was there is
 *   then as it was.
 */
export async function saveFolder(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  options: SaveFolderOptions = {},
): Promise<void> {
  const { who = 'saveFolder' } = options;
  const target = resolve(folder);
  const temporary = temporaryFolder(target);
  const former = `${temporary}.former`;
  await checkFolder(target, options);
  try {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    for (const [name, bytes] of files) await writeFileAtomic(join(temporary, name), bytes);
    await checkFolder(target, options); // writing took a while
    if (!existsSync(target)) await rename(temporary, target);
    else {
      await rename(target, former);
      await rename(temporary, target).catch(async (error: unknown) => {
        await rename(former, target);
        throw error;
      });
      await rm(former, { recursive: true, force: true });
    }
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    if (cause instanceof ArgumentError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(
      'storage-failed',
      `${who}: ${target} cannot be written (${why}). What was there is unchanged. Make room, correct the permissions, or choose another folder.`,
      { cause },
    );
  }
}

/** Where a folder is made before it takes its name; one for each process. */
export function temporaryFolder(folder: string): string {
  const target = resolve(folder);
  return join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
}

/**
 * Checks that a folder may be written.
 *
 * @throws ArgumentError where it is a file, is one to keep, is not empty without `force`, or holds files that are not ours.
 */
export async function checkFolder(folder: string, options: SaveFolderOptions = {}): Promise<void> {
  const { force = false, keep = [], who = 'saveFolder' } = options;
  const target = resolve(folder);
  const found = await stat(target).catch(() => undefined);
  if (!found) return;
  if (!found.isDirectory()) throw new ArgumentError(`${who}: ${target} is a file. Name a folder.`);
  if (keep.some((each) => resolve(each) === target))
    throw new ArgumentError(`${who}: ${target} is the folder of the input. Name another one.`);
  const names = await readdir(target);
  if (names.length === 0) return;
  if (!force)
    throw new ArgumentError(
      `${who}: ${target} must be new or empty, and holds ${listed(names)}. Name another folder, or replace it with --force.`,
    );
  const strange = names.filter((name) => !OURS.test(name));
  if (strange.length === 0) return;
  throw new ArgumentError(
    `${who}: ${target} is not replaced, since it holds what was not made here: ${listed(strange)}. Name another folder.`,
  );
}

function listed(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}
