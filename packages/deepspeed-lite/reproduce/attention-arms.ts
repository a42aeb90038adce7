import { AttentionContext, AttentionProbabilities } from '@ockham/core/models';
import { zeros, type Tensor } from '@tensorflow/tfjs';
import { blockLayout, sparseAttention, type BlockPattern } from '../src/attention/index.ts';

/** BERT-mini's heads and width. */
export const HEADS = 4;
export const WIDTH = 256;

/** Queries, keys and values `[1, length, WIDTH]` to the same shape. */
export type Attention = (q: Tensor, k: Tensor, v: Tensor) => Tensor;

/** Ways to attend. */
export const ARMS = ['dense', 'dense kernel', 'big-bird', 'longformer', 'fixed'] as const;
export type Arm = (typeof ARMS)[number];

/** The defaults of DeepSpeed: blocks of 16, windows of 3 blocks, one global block, one random block of each row for BigBird. */
const PATTERNS: Readonly<Record<Exclude<Arm, 'dense'>, BlockPattern>> = {
  'dense kernel': { kind: 'dense', block: 64 },
  'big-bird': { kind: 'big-bird', seed: 7 },
  longformer: { kind: 'longformer' },
  fixed: { kind: 'fixed', attention: 'unidirectional' },
};

/** `dense` is core's two layers, of which the products are our kernels and the softmax is the engine's. */
export function attentionOf(arm: Arm, length: number): Attention {
  if (arm === 'dense') {
    const mask = zeros([1, 1, 1, 1]);
    const probabilities = new AttentionProbabilities({ heads: HEADS });
    const context = new AttentionContext({ heads: HEADS });
    return (q, k, v) => context.call([probabilities.call([q, k, mask]), v]);
  }
  const layout = blockLayout(PATTERNS[arm], { length, heads: HEADS });
  return (q, k, v) => sparseAttention(q, k, v, layout);
}
