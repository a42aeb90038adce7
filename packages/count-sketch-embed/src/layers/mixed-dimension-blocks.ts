import { ArgumentError } from '@ockham/core';
import { atLeastOne } from './compressed-embedding.ts';
import type { DimensionBlock } from './mixed-dimension-embedding.ts';

/** Options of {@link mixedDimensionBlocks}. */
export interface MixedDimensionBlocksOptions {
  /** How fast widths fall with frequency, in [0, 1]; 0 gives all tokens D. Default 0.3. */
  readonly temperature?: number;
}

/**
 * Blocks of tokens whose frequencies are within a factor of two, the k-th of width D·(f_k / f_0)^temperature rounded
 * to D over a power of two, where f_k is the mean count of the block's tokens. Blocks of equal widths are joined.
 *
 * Source: Ginart et al. 2021, "Mixed dimension embeddings" (sizes by popularity).
 *
 * @param counts How often each token occurs, from the most frequent to the rarest.
 * @param dimension Width D of the most frequent tokens.
 * @throws ArgumentError for counts that rise or are negative, and a temperature outside [0, 1].
 */
export function mixedDimensionBlocks(
  counts: ArrayLike<number>,
  dimension: number,
  { temperature = 0.3 }: MixedDimensionBlocksOptions = {},
): DimensionBlock[] {
  const who = 'mixedDimensionBlocks';
  atLeastOne(who, 'dimension', dimension);
  atLeastOne(who, 'the number of counts', counts.length);
  if (!(temperature >= 0 && temperature <= 1)) {
    throw new ArgumentError(`${who}: temperature must be in [0, 1], got ${temperature}.`);
  }
  for (let x = 0; x < counts.length; x++) {
    if (counts[x]! >= 0 && counts[x]! <= (x === 0 ? Infinity : counts[x - 1]!)) continue;
    throw new ArgumentError(
      `${who}: counts must be at least 0 and never rise, got ${counts[x]} at ${x}. Sort the vocabulary by frequency first.`,
    );
  }
  const blocks: { tokens: number; width: number }[] = [];
  const top = Math.max(counts[0]!, 1);
  for (let start = 0; start < counts.length;) {
    let [end, sum] = [start, 0];
    while (end < counts.length && Math.max(counts[end]!, 1) * 2 > Math.max(counts[start]!, 1)) {
      sum += counts[end++]!;
    }
    const share = Math.max(sum / (end - start), 1) / top;
    const halvings = start === 0 ? 0 : Math.round(-temperature * Math.log2(share));
    const width = Math.max(1, Math.round(dimension / 2 ** halvings));
    const last = blocks.at(-1);
    if (last?.width === width) last.tokens += end - start;
    else blocks.push({ tokens: end - start, width });
    start = end;
  }
  return blocks;
}
