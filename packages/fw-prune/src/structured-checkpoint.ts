import type { LayersModel } from '@tensorflow/tfjs-layers';
import { DataError } from '@ockham/core';
import { removeChannels, removeLayers, type LayerChange, type ResidualBranch } from '@ockham/core/graph';
import type { Snapshot } from '@ockham/core/training';
import { joinSnapshots, splitSnapshot } from './checkpoint.ts';
import type { ValuesByWeight } from './structured-importance.ts';
import type { StructuredRecord } from './structured-options.ts';

/** What one iteration removed: blocks first, then channels of what is left, group id → indexes. */
export interface Removed {
  readonly blocks: readonly ResidualBranch[];
  readonly channels: Readonly<Record<string, readonly number[]>>;
}

/** Where a structured pruning stands. */
export interface StructuredState {
  /** The iteration under way, from 1. */
  readonly iteration: number;
  /** Of the iterations before. */
  readonly history: readonly StructuredRecord[];
  /** G, with the shapes of the model as it is. */
  readonly gradient: ValuesByWeight;
  /** Between iterations, the weights. */
  readonly weights?: Snapshot;
  /** In the middle of retraining, what this iteration removed and where its training stands. */
  readonly under?: { readonly removed: Removed; readonly training: Snapshot };
}

/** A whole run in one snapshot. The smaller model is not in it: {@link removeAgain} makes it from the given one. */
export function packStructured(identity: string, state: StructuredState): Snapshot {
  const { iteration, history, gradient, weights, under } = state;
  const entries = [...gradient];
  return joinSnapshots(
    {
      kind: 'ockham-prune-structured',
      identity,
      iteration,
      history,
      ...(under && { removed: under.removed }),
    },
    {
      weights,
      training: under?.training,
      gradient: {
        meta: { shapes: entries.map(([name, { shape }]) => [name, shape]) },
        arrays: Object.fromEntries(entries.map(([name, { values }]) => [name, values.slice()])),
      },
    },
  );
}

/** Takes {@link packStructured} apart. @throws DataError if the snapshot is of another run. */
export function unpackStructured(identity: string, snapshot: Snapshot): StructuredState {
  const meta = snapshot.meta as {
    kind: string;
    identity: string;
    iteration: number;
    history: StructuredRecord[];
    removed?: Removed;
  };
  if (meta.kind !== 'ockham-prune-structured' || meta.identity !== identity) {
    throw new DataError(
      'checkpoint-mismatch',
      `pruneStructured: the checkpoint is of another run (${meta.identity ?? meta.kind}), this one is ${identity}. Use the same model, data, options and seed, or remove the checkpoint.`,
    );
  }
  const { weights, training, gradient } = splitSnapshot(snapshot);
  const shapes = gradient!.meta['shapes'] as [string, number[]][];
  return {
    iteration: meta.iteration,
    history: meta.history,
    gradient: new Map(
      shapes.map(([name, shape]) => [
        name,
        { shape, values: gradient!.arrays[name]!.slice() as Float32Array },
      ]),
    ),
    ...(weights && { weights }),
    ...(training && meta.removed && { under: { removed: meta.removed, training } }),
  };
}

/**
 * Removes from `model` what an iteration removed before.
 *
 * @param onBlocks Called when the blocks are gone and the channels not yet, with the model as it then is.
 * @returns A new model, or the given one if nothing was removed.
 */
export async function removeAgain(
  model: LayersModel,
  { blocks, channels }: Removed,
  onBlocks: (model: LayersModel) => void,
): Promise<{ model: LayersModel; changes: LayerChange[] }> {
  let current = model;
  const changes: LayerChange[] = [];
  const replace = (next: { model: LayersModel; removed: readonly LayerChange[] }) => {
    if (current !== model) current.dispose();
    current = next.model;
    changes.push(...next.removed);
  };
  for (const { layers } of blocks) replace(await removeLayers(current, layers));
  onBlocks(current);
  const removals = new Map(Object.entries(channels));
  if (removals.size > 0) replace(await removeChannels(current, removals));
  return { model: current, changes };
}
