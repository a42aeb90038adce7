/**
 * Attention over the present blocks in operations of TensorFlow.js: the blocks of keys and values that a row of blocks sees are
 * gathered side by side, so that a bucket of rows is two batched products. The matrix of all scores is never made.
 */
import {
  add,
  concat,
  dropout,
  gather,
  matMul,
  mul,
  pad,
  reshape,
  slice,
  softmax,
  sub,
  tensor,
  tensor1d,
  tidy,
  zeros,
  type Tensor,
} from '@tensorflow/tfjs-core';
import type { BlockRows } from '@ockham/core/kernels';
import { bucketsOf, type Bucket } from './gather-buckets.ts';

/** What a score that is not seen gets; `exp` of it is 0. */
export const HIDDEN = -1e9;

/** How heads attend. */
export interface HeadOptions {
  readonly scale: number;
  readonly causal: boolean;
  /** Fraction of probabilities that is dropped. */
  readonly rate: number;
  readonly seed: number;
}

/** `[batch, heads, length, depth]` to the same; `visible` is `[batch, length]`, 1 for a key that is seen. */
export function composedAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  visible: Tensor | undefined,
  layout: BlockRows,
  { scale, causal, rate, seed }: HeadOptions,
): Tensor {
  const [batch, heads, length, depth] = q.shape as [number, number, number, number];
  const { block, blocks, patterns } = layout;
  const outer = (batch * heads) / patterns; // matrices are side by side, heads of one matrix outside
  const all = patterns * blocks;
  return tidy(() => {
    const inBlocks = (x: Tensor): Tensor => {
      const rest = blocks * block - length;
      const whole = rest === 0 ? x : pad(x, [[0, 0], [0, 0], [0, rest], [0, 0]]); // prettier-ignore
      return reshape(whole, [outer, all, block, depth]);
    };
    const [queries, keys, values] = [inBlocks(mul(q, scale)), inBlocks(k), inBlocks(v)] as const;
    const seen = visible && visibleBlocks(visible, layout, length);
    const attend = (bucket: Bucket, i: number): Tensor => {
      const { rows, width, columns, open } = bucket;
      const count = rows.length;
      const across = width * block;
      const taken = (x: Tensor, at: Int32Array): Tensor =>
        at.length === all && at.every((row, place) => row === place)
          ? x
          : gather(x, tensor1d(at, 'int32'), 1);
      const own = reshape(taken(queries, rows), [outer * count, block, depth]);
      const seenKeys = reshape(taken(keys, columns), [outer * count, across, depth]);
      const seenValues = reshape(taken(values, columns), [outer * count, across, depth]);
      let flags = open && tensor(open, [1, 1, count, block, across]);
      if (seen) {
        const places = tensor1d(columns.map((column) => column % blocks), 'int32'); // prettier-ignore
        const own = reshape(gather(seen, places, 1), [batch, 1, count, 1, across]);
        flags = flags ? mul(flags, own) : own;
      }
      const scores = reshape(matMul(own, seenKeys, false, true), [
        batch,
        outer / batch,
        count,
        block,
        across,
      ]);
      let p = softmax(flags ? add(scores, mul(sub(1, flags), HIDDEN)) : scores);
      if (flags) p = mul(p, flags); // a query that sees nothing has even probabilities
      if (rate > 0) p = dropout(p, rate, undefined, seed + i);
      const context = matMul(reshape(p, [outer * count, block, across]), seenValues);
      return reshape(context, [outer, count, block, depth]);
    };
    const buckets = bucketsOf(layout, length, causal);
    const parts = buckets.map(attend);
    const order = buckets.flatMap(({ rows }) => [...rows]);
    const places = new Int32Array(all).fill(order.length); // a row without blocks takes the zeros behind all
    for (const [place, row] of order.entries()) places[row] = place;
    if (order.length < all) parts.push(zeros([outer, 1, block, depth]));
    const joined = parts.length === 1 ? parts[0]! : concat(parts, 1);
    const sorted = places.every((place, row) => place === row);
    const out = sorted ? joined : gather(joined, tensor1d(places, 'int32'), 1);
    const tokens = reshape(out, [batch, heads, blocks * block, depth]);
    return blocks * block === length ? tokens : slice(tokens, [0, 0, 0, 0], [batch, heads, length, depth]);
  });
}

/** `[batch, length]` to `[batch, blocks, block]`. */
function visibleBlocks(visible: Tensor, { block, blocks }: BlockRows, length: number): Tensor {
  const rest = blocks * block - length;
  const whole = rest === 0 ? visible : pad(visible, [[0, 0], [0, rest]]); // prettier-ignore
  return reshape(whole, [-1, blocks, block]);
}
