import { join } from 'node:path';
import { DataError } from '@ockham/core';
import { fileStore } from '@ockham/core/files/node';
import type { CheckpointStores } from './checkpoint.ts';

/** A manifest names shards that are read and, once replaced, removed: none of them outside the folder. */
const NAME = /^[A-Za-z0-9][\w-]{0,99}$/;

/**
 * Checkpoints in a folder, which all ranks must see: one file for each rank and a manifest.
 *
 * @example
 * await engine.save(folderOf('checkpoint'));
 * @throws DataError `corrupt-file`, from the stores, for a name that is a path.
 */
export function folderOf(path: string): CheckpointStores {
  return (name) => {
    if (NAME.test(name)) return fileStore(join(path, `${name}.ockham`));
    throw new DataError(
      'corrupt-file',
      `folderOf('${path}'): a part of a checkpoint must have a name of letters, digits, - and _, got ${JSON.stringify(name.slice(0, 200))}. Restore the checkpoint from a copy.`,
    );
  };
}
