import type { SnapshotStore } from '@ockham/core/training';
import type { SavedReplay } from '../replay/index.ts';

/** Where a learner is kept. A saved learner is a snapshot and, apart from it, the buffer's records. */
export interface LearnerStore {
  read(): Promise<SavedReplay | undefined>;
  write(saved: SavedReplay): Promise<void>;
}

const RECORDS = 'records';

/** Keeps a learner in a store of snapshots, the records as one of its arrays. */
export function inSnapshotStore(store: SnapshotStore): LearnerStore {
  return {
    read: async () => {
      const snapshot = await store.read();
      if (snapshot === undefined) return undefined;
      const { [RECORDS]: records = new Uint8Array(0), ...arrays } = snapshot.arrays;
      return { meta: snapshot.meta, arrays, records: records as Uint8Array };
    },
    write: ({ meta, arrays, records }) => store.write({ meta, arrays: { ...arrays, [RECORDS]: records } }),
  };
}
