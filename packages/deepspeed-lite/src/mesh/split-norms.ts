import { UnsupportedModelError } from '@ockham/core';
import type { Communicator } from '@ockham/core/comm';
import { BINS } from '../optimizers/exact-squares.ts';
import type { SumOverSlices } from '../optimizers/flat-optimizer.ts';

/**
 * Adds partial sums also over tensor ranks: those of a split entry are of its parts, those of a whole one are on every rank and counted
 * once. The sums of `entryNorms` are exact, so that a norm has the bits of the whole layer's.
 *
 * @param split For each entry of the layout whether it is a part.
 * @param sum Over the ranks that hold other slices of the same parts.
 */
export function sumOverParts(
  split: readonly boolean[],
  tensor: Communicator,
  sum: SumOverSlices,
): SumOverSlices {
  if (tensor.size === 1) return sum;
  return async (partial) => {
    if (partial.length % (split.length * BINS) !== 0)
      throw new UnsupportedModelError(
        `sumOverSlices: on tensor ranks an optimizer must give the bins of entryNorms, multiples of ${split.length} × ${BINS} sums, got ${partial.length}. Use mesh.tensor: 1 with this optimizer.`,
      );
    const sums = await sum(partial);
    // vectors of entries of bins, as `entryNorms` lays them: an entry's bins lie together
    const entries = split.length;
    if (tensor.rank > 0)
      for (let at = 0; at < sums.length; at += BINS)
        if (!split[(at / BINS) % entries]!) sums.fill(0, at, at + BINS);
    return tensor.allReduce(sums);
  };
}
