import { reshape, transpose, type Tensor } from '@tensorflow/tfjs-core';

/** `[batch, length, heads · depth]` to `[batch, heads, length, depth]`. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  return transpose(reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
}

/** And back. */
export function joinHeads(x: Tensor): Tensor {
  const [batch, heads, length, depth] = x.shape as [number, number, number, number];
  return reshape(transpose(x, [0, 2, 1, 3]), [batch, length, heads * depth]);
}
