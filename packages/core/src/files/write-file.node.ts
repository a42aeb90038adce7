import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DataError } from '../errors.ts';

let written = 0; // makes temporary names of one process differ

/**
 * Replaces a file as a whole: the bytes go to a temporary file in the same folder, to the disk, and only then
 * under the name. Whoever reads sees the former content or the new one. Missing folders are made.
 *
 * @throws DataError `storage-failed`; the former file is intact and the temporary one removed.
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}-${written++}.tmp`);
  try {
    await mkdir(folder, { recursive: true });
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new DataError(
      'storage-failed',
      `writeFileAtomic: ${path} cannot be written (${cause instanceof Error ? cause.message : String(cause)}). ` +
        `What was there is unchanged. Make room, correct the permissions, or choose another folder.`,
      { cause },
    );
  }
}

/** Makes the rename itself last through a power cut, where the system can (Windows cannot). */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // The file is complete and under its name; only its survival of a power cut is in doubt.
  }
}
