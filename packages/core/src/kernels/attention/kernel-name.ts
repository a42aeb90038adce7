/**
 * The kernel of attention over the present blocks, of the engines that have it: `q`, `k` and `v` `[batch, length, width]` and, if keys are
 * hidden, `visible` `[batch, length]`, to the same shape and what the gradient's kernel wants.
 */
export const BLOCK_ATTENTION = 'OckhamBlockAttention';
/** The same, `out`, `stats` and `dOut`, to the gradients of q, k and v. */
export const BLOCK_ATTENTION_GRADIENT = 'OckhamBlockAttentionGrad';
