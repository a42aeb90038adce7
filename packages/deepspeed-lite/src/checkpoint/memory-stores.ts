import { memoryStore } from '@ockham/core/files';
import type { SnapshotStore } from '@ockham/core/training';
import type { CheckpointStores } from './checkpoint.ts';

/** Checkpoints in memory: for the ranks of one thread, and for tests. */
export function memoryStores(): CheckpointStores {
  const stores = new Map<string, SnapshotStore>();
  return (name) => {
    const store = stores.get(name) ?? memoryStore();
    stores.set(name, store);
    return store;
  };
}
