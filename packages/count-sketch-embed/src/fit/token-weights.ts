import { ArgumentError } from '@ockham/core';

/**
 * What each token counts in a fit: (its count + 1)^power, or 1 where no counts are known. The one keeps tokens that the
 * text does not have from becoming arbitrary.
 *
 * @throws ArgumentError unless there is one finite count ≥ 0 for each of the `vocabulary` tokens.
 */
export function tokenWeights(
  who: string,
  counts: ArrayLike<number> | undefined,
  vocabulary: number,
  power = 1,
): Float64Array {
  if (!(power >= 0 && Number.isFinite(power)))
    throw new ArgumentError(`${who}: power must be a finite number ≥ 0, got ${power}.`);
  if (counts === undefined) return new Float64Array(vocabulary).fill(1);
  if (counts.length !== vocabulary) {
    throw new ArgumentError(
      `${who}: frequencies must be one count for each of ${vocabulary} tokens, got ${counts.length}. Count with the vocabulary of this table.`,
    );
  }
  checkCounts(who, 'frequencies', counts);
  return Float64Array.from(counts, (count) => (count + 1) ** power);
}

/** @throws ArgumentError for a count that is negative or not finite. */
export function checkCounts(who: string, name: string, counts: ArrayLike<number>): void {
  const at = Array.prototype.findIndex.call(counts, (count: number) => !(count >= 0 && count < Infinity));
  if (at >= 0) {
    throw new ArgumentError(`${who}: ${name} must be finite and ≥ 0, got ${counts[at]} at position ${at}.`);
  }
}

/** Ids from the most to the least frequent; of equal counts, the smaller id first. */
export function byFrequency(counts: ArrayLike<number>): Int32Array {
  return Int32Array.from({ length: counts.length }, (_, id) => id).sort(
    (a, b) => counts[b]! - counts[a]! || a - b,
  );
}
