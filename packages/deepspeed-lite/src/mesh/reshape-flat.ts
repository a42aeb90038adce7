/** Between a rank's slice of its stage's flat vector and the flat vector of the whole model. */
import type { RankState } from '../engine/rank-state.ts';
import type { Range } from '../zero/shares.ts';
import { gatherTensor, type Brought } from './gather-whole.ts';
import { takePart, type WholePart } from './whole-parts.ts';

/** Calls `work` with every tensor of the whole model's flat vector, in order. Collective over all ranks. */
export async function eachWhole(
  rank: RankState,
  values: Float32Array,
  work: (entry: number, whole: Float32Array) => void,
  { own, first }: { readonly own: Range; readonly first: boolean } = {
    own: rank.own,
    first: rank.parts.plan.zero > 0 || rank.rank === 0,
  },
): Promise<void> {
  const { whole, layout, mesh } = rank.parts;
  const places = placesOf(rank);
  for (const [e, { size }] of whole.layout.entries.entries()) {
    const brought: Brought[] = [];
    const place = places.get(e);
    if (place && first && brings(rank, place.part)) {
      const { offset, size: length } = layout.entries[place.entry]!;
      const [begin, end] = [Math.max(0, own.begin - offset), Math.min(length, own.end - offset)];
      if (begin < end)
        brought.push({ part: place.part, begin, end, values: values.subarray(offset + begin - own.begin, offset + end - own.begin) }); // prettier-ignore
    }
    work(e, await gatherTensor(mesh.world, size, brought));
  }
}

/** A slice of the stage's flat vector, from the tensors of the whole one. */
export function fromWhole(
  rank: RankState,
  { begin, end }: Range,
  whole: (entry: number) => Float32Array,
): Float32Array {
  const { layout } = rank.parts;
  const values = new Float32Array(end - begin);
  for (const [e, { entry, part }] of placesOf(rank)) {
    const { offset, size } = layout.entries[entry]!;
    const [from, to] = [Math.max(begin, offset), Math.min(end, offset + size)];
    if (from < to) values.set(takePart(part, whole(e)).subarray(from - offset, to - offset), from - begin);
  }
  return values;
}

/** For an entry of the whole layout that this stage has: which of its own entries it is, and what part. */
function placesOf({ parts }: RankState): Map<number, { readonly entry: number; readonly part: WholePart }> {
  const { whole, program } = parts;
  const numbers = new Map(whole.program.variables.map((variable, e) => [variable, e]));
  return new Map(
    program.variables.map((variable, entry) => {
      const part = partOf(parts, variable);
      return [numbers.get(part.whole)!, { entry, part }];
    }),
  );
}

/** Which part of the whole a variable is. */
export function partOf({ parallel }: RankState['parts'], variable: WholePart['whole']): WholePart {
  return parallel?.parts.get(variable) ?? { whole: variable, shape: variable.shape, begin: 0, end: 0 };
}

/** Of tensors that all tensor ranks have, the first brings them. */
export function brings({ parts }: RankState, { axis }: WholePart): boolean {
  return axis !== undefined || parts.mesh.tensor.rank === 0;
}
