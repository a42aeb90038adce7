import { readFile, rm } from 'node:fs/promises';
import { DataError } from '../errors.ts';
import type { SnapshotStore } from '../training/types.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';
import { writeFileAtomic } from './write-file.node.ts';

/**
 * Keeps one snapshot in a file, replaced as a whole at each write.
 *
 * @example
 * await train(model, data, { epochs: 10, checkpoint: fileStore('run.ockham') });
 * @throws DataError, from `read`, `corrupt-file` where the file is damaged: it is never silently ignored, the
 *   message says how to start over; `storage-failed`, from each method, where the disk refuses.
 */
export function fileStore(path: string): SnapshotStore {
  const who = `fileStore('${path}')`;
  return {
    read: async () => {
      const bytes = await readFileIfThere(path, who);
      return bytes && decodeSnapshot(bytes, who);
    },
    write: (snapshot) => writeFileAtomic(path, encodeSnapshot(snapshot)),
    remove: async () => {
      await rm(path, { force: true }).catch((cause: unknown) => {
        throw refusal(who, 'removed', cause);
      });
    },
  };
}

/**
 * A file's content, or undefined where there is no such file.
 *
 * @throws DataError `storage-failed` naming `who` where the disk refuses.
 */
export async function readFileIfThere(path: string, who: string): Promise<Uint8Array | undefined> {
  return readFile(path).catch((cause: unknown) => {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw refusal(who, 'read', cause);
  });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function refusal(who: string, what: string, cause: unknown): DataError {
  return new DataError(
    'storage-failed',
    `${who}: the file cannot be ${what} (${cause instanceof Error ? cause.message : String(cause)}). Correct its permissions.`,
    { cause },
  );
}
