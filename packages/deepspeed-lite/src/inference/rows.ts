/** How the tokens of a batch lie in memory: a row each, texts behind one another, no row for what nobody reads. */
import { ArgumentError } from '@ockham/core';

/** One text of a batch. */
export interface Text {
  /** Its first row, and how many it has. */
  readonly begin: number;
  readonly rows: number;
  /** Of every key what is added to its scores; none where nothing is hidden. */
  readonly plus?: Float32Array;
}

/** The rows of a batch. */
export interface Rows {
  readonly count: number;
  readonly ids: Int32Array;
  readonly places: Int32Array;
  readonly kinds: Int32Array;
  readonly texts: readonly Text[];
  /** The row of each text that the head reads; undefined where it reads all. */
  readonly read?: Int32Array;
}

/** What a score of a padded position gets, as in core's `PaddingMask`. */
const HIDDEN = -1e9;

/**
 * Arranges tokens `[batch, length]` or `[batch, length, 2]`.
 *
 * Where the head reads the first token alone, padding gets no rows: no other row ever sees it. A text whose first token is padding keeps
 * all of its rows, since there everything is hidden and the softmax is over what is.
 *
 * @param padding Id of padding, none if undefined.
 * @param first Whether the head reads the first row of each text alone.
 */
export function arrangeRows(
  tokens: ArrayLike<number>,
  [batch, length, columns]: readonly [batch: number, length: number, columns: number],
  { padding, first }: { readonly padding: number | undefined; readonly first: boolean },
): Rows {
  const all = batch * length;
  const rows = { ids: new Int32Array(all), places: new Int32Array(all), kinds: new Int32Array(all) };
  const texts: Text[] = [];
  const read = new Int32Array(batch);
  let count = 0;
  for (let b = 0; b < batch; b++) {
    const id = (i: number): number => tokens[(b * length + i) * columns]!;
    const drop = first && id(0) !== padding;
    const begin = count;
    const plus = new Float32Array(length);
    let hides = false;
    for (let i = 0; i < length; i++) {
      const padded = id(i) === padding;
      if (padded && drop) continue;
      if (padded) [plus[i], hides] = [HIDDEN, true];
      rows.ids[count] = id(i);
      rows.places[count] = i;
      rows.kinds[count] = columns === 2 ? tokens[(b * length + i) * 2 + 1]! : 0;
      count++;
    }
    read[b] = begin;
    texts.push({ begin, rows: count - begin, ...(hides && { plus }) });
  }
  const { ids, places, kinds } = rows;
  const cut = (values: Int32Array): Int32Array => values.subarray(0, count);
  return { count, ids: cut(ids), places: cut(places), kinds: cut(kinds), texts, ...(first && { read }) };
}

/** @throws ArgumentError naming `who` for an id that is no row of its table. */
export function checkIds(who: string, what: string, ids: ArrayLike<number>, rows: number): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (Number.isInteger(id) && id >= 0 && id < rows) continue;
    throw new ArgumentError(`${who}: ${what} must be integers in [0, ${rows}), got ${id}. Encode the text with the model's own vocabulary.`); // prettier-ignore
  }
}
