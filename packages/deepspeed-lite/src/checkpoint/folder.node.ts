import { join } from 'node:path';
import { fileStore } from '@ockham/core/files/node';
import type { CheckpointStores } from './checkpoint.ts';

/**
 * Checkpoints in a folder, which all ranks must see: one file for each rank and a manifest.
 *
 * @example
 * await engine.save(folderOf('checkpoint'));
 */
export function folderOf(path: string): CheckpointStores {
  return (name) => fileStore(join(path, `${name}.ockham`));
}
