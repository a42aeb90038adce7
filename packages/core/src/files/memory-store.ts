import type { SnapshotStore } from '../training/types.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';

/** Keeps one snapshot in memory, as a copy: later changes of the arrays do not reach it. */
export function memoryStore(): SnapshotStore {
  let bytes: Uint8Array | undefined;
  return {
    read: async () => bytes && decodeSnapshot(bytes, 'memoryStore'),
    write: async (snapshot) => {
      bytes = encodeSnapshot(snapshot);
    },
    remove: async () => {
      bytes = undefined;
    },
  };
}
