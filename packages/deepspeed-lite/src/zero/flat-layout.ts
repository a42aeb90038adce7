/** Where the parameters lie in one flat vector. */

/** One parameter tensor in the flat vector. */
export interface FlatEntry {
  /** Name of the variable; unique in a layout. */
  readonly name: string;
  /** Of the variable. */
  readonly shape: readonly number[];
  /** Where it begins, in elements. */
  readonly offset: number;
  /** Number of elements. */
  readonly size: number;
}

/** Parameters laid end to end in the model's order, padded with zeros so that every rank has an equal share. */
export interface FlatLayout {
  /** In the order in which they lie. */
  readonly entries: readonly FlatEntry[];
  /** Elements without the padding: P. */
  readonly length: number;
  /** Elements with it: the least multiple of `ranks` that holds P. */
  readonly padded: number;
  /** Ranks that share the vector. */
  readonly ranks: number;
}

/** Lays parameters end to end. */
export function flatLayout(
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
  ranks: number,
): FlatLayout {
  let length = 0;
  const entries = parameters.map(({ name, shape }) => {
    const size = shape.reduce((product, d) => product * d, 1);
    const entry = { name, shape, offset: length, size };
    length += size;
    return entry;
  });
  return { entries, length, padded: Math.ceil(length / ranks) * ranks, ranks };
}

/** The share [begin, end) of a rank, in elements of the padded vector. */
export function shareOfRank(layout: FlatLayout, rank: number): readonly [begin: number, end: number] {
  const share = layout.padded / layout.ranks;
  return [rank * share, (rank + 1) * share];
}
