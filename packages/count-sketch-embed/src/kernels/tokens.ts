/** A batch of tokens, hashed: what the kernels look up. */
export interface Tokens {
  /** Width D of a vector. */
  readonly dimension: number;
  /** `[n]`: for each token, the number of its id among the different ones, in the order of first appearance. */
  readonly places: Int32Array;
  /** How many different ids there are. */
  readonly unique: number;
  /**
   * Where coordinates have signs of their own: for each different id (and hash) ⌈D/32⌉ words, in which bit j mod 32 of word
   * ⌊j/32⌋ is set where the sign of coordinate j is minus.
   */
  readonly words?: Int32Array;
}

/** Tokens of a count-sketch `[rows, D]`. */
export interface SketchTokens extends Tokens {
  /** Hash functions d. */
  readonly hashes: number;
  /** Groups whose means the median is taken of, a divisor of d: d for the median, 1 for the mean. */
  readonly groups: number;
  /** `[different ids, d]`: where each row begins in the sketch, in numbers, times two, plus one where its sign is minus. */
  readonly slots: Int32Array;
}

/** Tokens of a circular array of m numbers. */
export interface RobeTokens extends Tokens {
  /** m. */
  readonly size: number;
  /** Columns Z of a block. */
  readonly block: number;
  /** `[different ids, ⌈D/Z⌉]`: where in the array each block begins. */
  readonly starts: Int32Array;
}
