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
  /** `#known` + place of each id in the batch at hand; ids of batches before are below `#known`. */
  readonly #mark: Int32Array;
  #known = 0;

  constructor(vocabulary: number) {
    this.#mark = new Int32Array(vocabulary).fill(-1);
  }

  /** @throws ArgumentError for ids that are not in [0, vocabulary). */
  find(tokens: ArrayLike<number>): DistinctIds {
    const n = tokens.length;
    if (this.#known > LARGEST - n) {
      this.#mark.fill(-1);
      this.#known = 0;
    }
    const mark = this.#mark;
    const known = this.#known;
    const places = new Int32Array(n);
    const found = new Int32Array(n);
    let count = 0;
    for (let i = 0; i < n; i++) {
      const id = tokens[i]!;
      let at = mark[id];
      if (at === undefined) {
        this.#known = known + count;
        throw new ArgumentError(`embedding: ids must be in [0, ${mark.length}), got ${id} at ${i}.`);
      }
      if (at < known) {
        at = mark[id] = known + count;
        found[count++] = id;
      }
      places[i] = at - known;
    }
    this.#known = known + count;
    return { ids: found.subarray(0, count), places };
  }
}

const LARGEST = 2 ** 31 - 1;
