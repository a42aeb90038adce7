import { ArgumentError } from '@ockham/core';

/** The ids of a batch without repetition. */
export interface DistinctIds {
  /** In the order of their first appearance. */
  readonly ids: Int32Array;
  /** For each token, the place of its id in `ids`. */
  readonly places: Int32Array;
}

/** Finds what a batch repeats; text repeats much (Zipf). Holds one number for each word of the vocabulary. */
export class DistinctFinder {
  /** Place of each id in the batch at hand, or −1. */
  readonly #place: Int32Array;

  constructor(vocabulary: number) {
    this.#place = new Int32Array(vocabulary).fill(-1);
  }

  /** @throws ArgumentError for ids that are not in [0, vocabulary). */
  find(tokens: ArrayLike<number>): DistinctIds {
    const place = this.#place;
    const places = new Int32Array(tokens.length);
    const found = new Int32Array(tokens.length);
    let count = 0;
    for (let i = 0; i < tokens.length; i++) {
      const id = tokens[i]!;
      let at = place[id];
      if (at === undefined) {
        place.fill(-1);
        throw new ArgumentError(`embedding: ids must be in [0, ${place.length}), got ${id} at ${i}.`);
      }
      if (at < 0) {
        at = place[id] = count;
        found[count++] = id;
      }
      places[i] = at;
    }
    const ids = found.subarray(0, count);
    for (let k = 0; k < count; k++) place[ids[k]!] = -1;
    return { ids, places };
  }
}
