import type { Communicator } from '@ockham/core/comm';
import { ArgumentError, DataError } from '@ockham/core';
import type { FlatLayout } from '../zero/flat-layout.ts';
import type { CompressedOptimizer, SlotKind } from './compressed-optimizer.ts';
import type { FlatSlice } from './flat-optimizer.ts';
import { signChunk } from './signs.ts';

/** The state of a compressed optimizer on all ranks, without padding: what a checkpoint keeps. */
export interface SavedCompressedState {
  /** Ranks that it was saved on. */
  readonly ranks: number;
  /** By slot: `[P]` for `replicated` and `chunk`, `[ranks · P]` for `local`, `[entries]` and `[1]` for the others. */
  readonly arrays: Readonly<Record<string, Float32Array>>;
}

/** A state of zeros for one rank. */
export function compressedState(
  { slots }: CompressedOptimizer,
  layout: FlatLayout,
  { rank, size }: Pick<Communicator, 'rank' | 'size'>,
): Record<string, Float32Array> {
  const [begin, end] = signChunk(layout.length, rank, size);
  const lengths: Record<SlotKind, number> = {
    replicated: layout.padded,
    local: layout.padded,
    chunk: end - begin,
    entry: layout.entries.length,
    scalar: 1,
  };
  return Object.fromEntries(
    Object.entries(slots).map(([slot, kind]) => [slot, new Float32Array(lengths[kind])]),
  );
}

/** Gathers the state of all ranks, on all of them. Collective. */
export async function gatherCompressedState(
  { slots }: CompressedOptimizer,
  state: Readonly<Record<string, Float32Array>>,
  layout: FlatLayout,
  comm: Communicator,
): Promise<SavedCompressedState> {
  const arrays: Record<string, Float32Array> = {};
  for (const [slot, kind] of Object.entries(slots)) {
    const own = state[slot]!;
    const part = kind === 'replicated' || kind === 'local' ? own.slice(0, layout.length) : own.slice();
    const length = { local: comm.size * layout.length, chunk: layout.length };
    arrays[slot] =
      kind === 'local' || kind === 'chunk'
        ? await comm.allGather(part, new Float32Array(length[kind]))
        : part;
  }
  return { ranks: comm.size, arrays };
}

/**
 * The state of one rank from what was saved on any number of them. On as many ranks it has the same bits. On another number every
 * rank gets the mean of a `local` slot, so that what error feedback still owes, the mean over the ranks, is the same.
 *
 * @throws DataError if a slot is missing or does not fit the layout.
 */
export function restoreCompressedState(
  optimizer: CompressedOptimizer,
  saved: SavedCompressedState,
  layout: FlatLayout,
  place: Pick<Communicator, 'rank' | 'size'>,
): Record<string, Float32Array> {
  const state = compressedState(optimizer, layout, place);
  const P = layout.length;
  const [begin, end] = signChunk(P, place.rank, place.size);
  for (const [slot, kind] of Object.entries(optimizer.slots)) {
    const lengths: Record<SlotKind, number> = {
      replicated: P,
      chunk: P,
      local: saved.ranks * P,
      entry: layout.entries.length,
      scalar: 1,
    };
    const from = saved.arrays[slot];
    if (from?.length !== lengths[kind])
      throw new DataError(
        'checkpoint-mismatch',
        `${optimizer.name}: the saved ${slot} must have ${lengths[kind]} values for ${P} parameters saved on ${saved.ranks} ranks, got ${from?.length ?? 'none'}. Load it into the model and optimizer that saved it.`,
      );
    if (kind === 'chunk') state[slot]!.set(from.subarray(begin, end));
    else if (kind !== 'local') state[slot]!.set(from);
    else if (saved.ranks === place.size)
      state[slot]!.set(from.subarray(place.rank * P, (place.rank + 1) * P));
    else state[slot]!.set(meanOver(from, saved.ranks));
  }
  return state;
}

function meanOver(values: Float32Array, ranks: number): Float32Array {
  const P = values.length / ranks;
  return Float32Array.from({ length: P }, (_, i) => {
    let sum = 0;
    for (let rank = 0; rank < ranks; rank++) sum += values[rank * P + i]!;
    return sum / ranks;
  });
}

/** Refuses a slice that is not the whole vector. */
export function checkWhole(who: string, { begin, end, layout }: FlatSlice): void {
  if (begin === 0 && end === layout.padded) return;
  throw new ArgumentError(
    `${who}: every rank needs the whole vector, [0, ${layout.padded}), got [${begin}, ${end}). Use ZeRO stage 0 with a compressed optimizer.`,
  );
}
