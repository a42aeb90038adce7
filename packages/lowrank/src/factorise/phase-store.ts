import type { SnapshotStore } from '@ockham/core/training';

/** Which phase of a run a checkpoint is of, and what the phases before it recorded. */
export interface PhaseUnderWay<R> {
  readonly phase: string;
  readonly history: readonly R[];
}

/** What a store holds of a run in phases, if anything. */
export async function phaseUnderWay<R>(store: SnapshotStore): Promise<PhaseUnderWay<R> | undefined> {
  return (await store.read())?.meta['under-way'] as PhaseUnderWay<R> | undefined;
}

/**
 * The part of a store that one phase of a run sees: snapshots of other phases are none of its own, and what it leaves
 * stays until the next phase writes, so that a run that dies in between does not start over.
 */
export function phaseStore<R>(store: SnapshotStore, phase: string, history: readonly R[]): SnapshotStore {
  return {
    read: async () => {
      const snapshot = await store.read();
      const underWay = snapshot?.meta['under-way'] as PhaseUnderWay<R> | undefined;
      return underWay?.phase === phase ? snapshot : undefined;
    },
    write: ({ meta, arrays }) =>
      store.write({ meta: { ...meta, 'under-way': { phase, history: [...history] } }, arrays }),
    remove: () => Promise.resolve(),
  };
}
