import { fileStore, ockhamCache } from '@ockham/core/files/node';
import type { SnapshotStore } from '@ockham/core/training';
import { join, resolve } from 'node:path';

/**
 * Keeps what `offlineAccuracies` found, one small file for each configuration.
 *
 * @param folder Default: `offline-twins` in `OCKHAM_CACHE`, else in `~/.cache/ockham`.
 */
export function offlineCache(folder?: string): (key: string) => SnapshotStore {
  const home = folder === undefined ? join(ockhamCache(), 'offline-twins') : resolve(folder);
  return (key) => fileStore(join(home, `${key}.ockham`));
}
