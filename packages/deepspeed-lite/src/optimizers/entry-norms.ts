import type { FlatSlice, SumOverSlices } from './flat-optimizer.ts';
import { addSquares, BINS, sumOfBins } from './exact-squares.ts';

/** The part of an entry of the layout that a slice holds, in elements of the slice. */
export interface EntryPart {
  /** Which entry of the layout. */
  readonly entry: number;
  readonly begin: number;
  readonly end: number;
}

/** The parts of the layout's entries that a slice holds, in order; entries it does not touch are left out. */
export function entryParts({ begin, end, layout }: Pick<FlatSlice, 'begin' | 'end' | 'layout'>): EntryPart[] {
  return layout.entries.flatMap(({ offset, size }, entry) => {
    const from = Math.max(offset, begin);
    const to = Math.min(offset + size, end);
    return from < to ? [{ entry, begin: from - begin, end: to - begin }] : [];
  });
}

/**
 * ‖x‖₂ of every entry of the layout for each of `vectors`, of which every rank holds a slice: the same bits whatever the slices.
 * 176 bytes for each entry and vector go over the wire.
 *
 * @returns For each vector the norms, one for each entry.
 */
export async function entryNorms(
  slice: Pick<FlatSlice, 'begin' | 'end' | 'layout'>,
  vectors: readonly Float32Array[],
  sumOverSlices: SumOverSlices,
): Promise<Float64Array[]> {
  const entries = slice.layout.entries.length;
  const partial = new Float64Array(vectors.length * entries * BINS);
  for (const { entry, begin, end } of entryParts(slice)) {
    vectors.forEach((x, k) => addSquares(partial, (k * entries + entry) * BINS, x, begin, end));
  }
  const sums = await sumOverSlices(partial);
  return vectors.map((_, k) =>
    Float64Array.from({ length: entries }, (_unused, entry) =>
      Math.sqrt(sumOfBins(sums, (k * entries + entry) * BINS)),
    ),
  );
}
