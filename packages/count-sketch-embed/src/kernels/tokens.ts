/** A batch of tokens, hashed: what the kernels look up. */
export interface SketchTokens {
  /** Hash functions d. */
  readonly hashes: number;
  /** Groups whose means the median is taken of, a divisor of d: d for the median, 1 for the mean. */
  readonly groups: number;
  /** Width D of a vector. */
  readonly dimension: number;
  /** `[n]`: for each token, the number of its id among the different ones, in the order of first appearance. */
  readonly places: Int32Array;
  /** `[different ids, d]`: where each row begins in the sketch, in numbers, times two, plus one where its sign is minus. */
  readonly slots: Int32Array;
  /**
   * `[different ids, d, ⌈D/32⌉]`, where each coordinate has a sign of its own: bit j mod 32 of word ⌊j/32⌋ is set where that of
   * coordinate j is minus.
   */
  readonly words?: Int32Array;
}
