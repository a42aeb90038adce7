import type { FlopRule } from '@ockham/core/metrics';
import type { BlockLayout } from './block-layout.ts';
import type { SparseAttention } from './sparse-attention-layer.ts';

/**
 * FLOPs of attention by blocks, for `countFlops`. Present blocks count in full, those on the diagonal of a causal layout too: with
 * all blocks present it is what core's dense attention counts.
 *
 * @example
 * const { flops } = await countFlops(sparse, { rules: sparseAttentionFlopRules });
 */
export const sparseAttentionFlopRules: Readonly<Record<string, FlopRule>> = {
  SparseAttention: (call) => {
    const layer = call.layer as unknown as SparseAttention;
    const [, length, width] = call.inputShapes[0]!;
    if (typeof length !== 'number' || typeof width !== 'number') throw new Error('its shape is not fixed');
    const scores = scoresOf(layer.layoutFor(length));
    const products = (2 * 2 * scores * width) / layer.heads; // q kᵀ and p v
    return { elementwise: products + length * width + 4 * scores }; // scale; mask, softmax
  },
};

/** Scores within present blocks, of all heads; blocks at the end may be shorter. */
function scoresOf({ starts, columns, patterns, heads, blocks, block, length }: BlockLayout): number {
  const size = (i: number): number => Math.min(block, length - i * block);
  let scores = 0;
  for (let row = 0; row < patterns * blocks; row++)
    for (const column of columns.subarray(starts[row], starts[row + 1]))
      scores += size(row % blocks) * size(column);
  return (scores * heads) / patterns;
}
