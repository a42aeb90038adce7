/** The states of a compressed optimizer, stage by stage, as those of the whole model: what a checkpoint keeps. */
import type { CompressedOptimizer } from '../optimizers/compressed-optimizer.ts';
import type { SavedCompressedState } from '../optimizers/compressed-state.ts';
import type { RankState } from '../engine/rank-state.ts';
import { eachWhole, fromWhole, partOf } from './reshape-flat.ts';

/** Puts the stages' states together. Collective over all ranks. */
export async function compressedToWhole(
  rank: RankState,
  { slots }: CompressedOptimizer,
  { ranks, arrays }: SavedCompressedState,
): Promise<Record<string, Float32Array>> {
  const { whole, layout, mesh } = rank.parts;
  const [P, own] = [whole.layout.length, layout.length];
  const first = mesh.data.rank === 0;
  const made: Record<string, Float32Array> = {};
  for (const [slot, kind] of Object.entries(slots)) {
    const values = arrays[slot]!;
    if (kind === 'scalar') made[slot] = values;
    else if (kind === 'entry') {
      const all = new Float32Array(whole.layout.entries.length);
      if (first) for (const [i, e] of entriesOf(rank).entries()) all[e] = values[i]!;
      await mesh.world.allReduce(new Int32Array(all.buffer)); // of bits, all but one of them 0
      made[slot] = all;
    } else {
      const times = kind === 'local' ? ranks : 1;
      const all = new Float32Array(times * P);
      for (let r = 0; r < times; r++)
        await eachWhole(
          rank,
          values.subarray(r * own, (r + 1) * own),
          (e, tensor) => all.set(tensor, r * P + whole.layout.entries[e]!.offset),
          { own: { begin: 0, end: own }, first },
        );
      made[slot] = all;
    }
  }
  return made;
}

/** The arrays of one stage, as if it alone had been saved. */
export function compressedFromWhole(
  rank: RankState,
  { slots }: CompressedOptimizer,
  { ranks, arrays }: SavedCompressedState,
): Record<string, Float32Array> {
  const { whole, layout } = rank.parts;
  const [P, own] = [whole.layout.length, layout.length];
  return Object.fromEntries(
    Object.entries(slots).map(([slot, kind]) => {
      const values = arrays[slot]!;
      if (kind === 'scalar') return [slot, values];
      if (kind === 'entry') return [slot, Float32Array.from(entriesOf(rank), (e) => values[e]!)];
      const times = kind === 'local' ? ranks : 1;
      const stage = new Float32Array(times * own);
      for (let r = 0; r < times; r++) {
        const tensorOf = (e: number): Float32Array => {
          const { offset, size } = whole.layout.entries[e]!;
          return values.subarray(r * P + offset, r * P + offset + size);
        };
        stage.set(fromWhole(rank, { begin: 0, end: own }, tensorOf), r * own);
      }
      return [slot, stage];
    }),
  );
}

/** Which entries of the whole layout a stage has, in its own order. */
function entriesOf({ parts }: RankState): number[] {
  const { variables } = parts.whole.program;
  return parts.program.variables.map((variable) => variables.indexOf(partOf(parts, variable).whole));
}
