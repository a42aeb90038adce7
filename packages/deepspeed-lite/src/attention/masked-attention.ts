/**
 * Attention with the matrix of all scores, those of absent blocks hidden: what a layout that is nearly full, or of few tokens, is faster with on
 * engines without a kernel of their own, and what attention by blocks is compared with.
 */
import {
  add,
  dropout,
  matMul,
  mul,
  reshape,
  slice,
  softmax,
  sub,
  tensor,
  tidy,
  tile,
  type Tensor,
} from '@tensorflow/tfjs-core';
import type { BlockRows } from '@ockham/core/kernels';
import { HIDDEN, type HeadOptions } from './composed-attention.ts';

/** `[batch, heads, length, depth]` to the same; `visible` is `[batch, length]`, 1 for a key that is seen. */
export function maskedAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  visible: Tensor | undefined,
  layout: BlockRows,
  { scale, causal, rate, seed }: HeadOptions,
): Tensor {
  const [batch, , length] = q.shape as [number, number, number, number];
  return tidy(() => {
    const flags = [
      layout.columns.length < layout.patterns * layout.blocks ** 2 ? blockFlags(layout, length) : undefined,
      causal ? causalFlags(length) : undefined,
      visible && reshape(visible, [batch, 1, 1, length]),
    ].filter((x) => x !== undefined);
    const open = flags.length === 0 ? undefined : flags.reduce((a, b) => mul(a, b)); // broadcasts against [batch, heads, length, length]
    const scores = matMul(mul(q, scale), k, false, true);
    let p = softmax(open ? add(scores, mul(sub(1, open), HIDDEN)) : scores);
    if (open) p = mul(p, open); // a query that sees nothing has even probabilities
    if (rate > 0) p = dropout(p, rate, undefined, seed);
    return matMul(p, v);
  });
}

/** `[1, patterns, length, length]`, 1 within present blocks. */
function blockFlags({ starts, columns, patterns, blocks, block }: BlockRows, length: number): Tensor {
  const present = new Float32Array(patterns * blocks * blocks);
  for (let row = 0; row < patterns * blocks; row++)
    for (const column of columns.subarray(starts[row], starts[row + 1])) present[row * blocks + column] = 1;
  const each = tile(tensor(present, [patterns, blocks, 1, blocks, 1]), [1, 1, block, 1, block]);
  const side = blocks * block;
  const whole = reshape(each, [1, patterns, side, side]);
  return side === length ? whole : slice(whole, [0, 0, 0, 0], [1, patterns, length, length]);
}

/** `[1, 1, length, length]`, 1 where the key is not later than the query. */
function causalFlags(length: number): Tensor {
  const flags = new Float32Array(length * length);
  for (let query = 0; query < length; query++) flags.fill(1, query * length, query * length + query + 1);
  return tensor(flags, [1, 1, length, length]);
}
