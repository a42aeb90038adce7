/**
 * Scaled dot-product attention over the present blocks of a layout, exact: softmax goes over the keys of these blocks only.
 *
 * Source: the survey, section 3.3; DeepSpeed's sparse attention. Softmax by running maxima and sums: Milakov and Gimelshein 2018; the backward
 * pass computes the scores again instead of keeping them: Dao et al. 2022, FlashAttention, algorithm 4.
 * Deviations: a query that sees no key gets 0, and gradients of 0, where a softmax of −10⁹ everywhere would give the mean of
 * all values; lengths need not be multiples of the block. There are no gradients of gradients: TensorFlow.js has none of a softmax.
 */
import { ArgumentError } from '@ockham/core';
import { BLOCK_ATTENTION, BLOCK_ATTENTION_GRADIENT, type BlockAttentionAttrs } from '@ockham/core/kernels';
import { cast, customGrad, engine, tidy, type NamedAttrMap, type Tensor } from '@tensorflow/tfjs-core';
import type { BlockLayout } from './block-layout.ts';
import { attentionPath } from './choose-path.ts';
import { composedAttention } from './composed-attention.ts';
import { joinHeads, splitHeads } from './heads.ts';
import { maskedAttention } from './masked-attention.ts';
import { recomputed, refuseTape, type OfThree } from './recomputed.ts';

/** Options of {@link sparseAttention}. */
export interface SparseAttentionOptions {
  /** What scores are multiplied by. Default 1/√depth. */
  readonly scale?: number;
  /** Which keys are tokens, `[batch, length]`: true or 1 for a token, false or 0 for padding, which no query sees. Default all. */
  readonly keyPaddingMask?: Tensor;
  /** Whether no query sees a later key. Default the layout's. */
  readonly causal?: boolean;
  /** Fraction of the probabilities that is dropped, the others scaled up, in [0, 1). Default 0. */
  readonly dropout?: number;
  /** Seeds the dropout, a safe integer. Which probabilities it drops depends on the path. Default 0. */
  readonly seed?: number;
  /** Default {@link attentionPath}'s choice. `kernel` exists on wasm only. */
  readonly path?: 'kernel' | 'blocks' | 'dense';
}

/**
 * softmax(q·kᵀ·scale)·v over the present blocks. Memory grows with the present blocks, or less; gradients of q, k and v are exact.
 *
 * @param q `[batch, heads, length, depth]`, or heads side by side, `[batch, length, heads · depth]`; float32.
 * @param k The same shape.
 * @param v The same shape.
 * @param layout For this length and number of heads.
 * @returns The same shape; the caller disposes of it.
 * @throws ArgumentError for shapes, dtypes or options that do not fit.
 *
 * @example
 * const layout = blockLayout({ kind: 'big-bird' }, { length: 1024, heads: 4 });
 * const context = sparseAttention(q, k, v, layout);
 */
export function sparseAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  layout: BlockLayout,
  options: SparseAttentionOptions = {},
): Tensor {
  checkTensors(q, k, v, layout);
  const { heads } = layout;
  const depth = q.shape.at(-1)! / (q.rank === 4 ? 1 : heads);
  const { scale = 1 / Math.sqrt(depth), causal = layout.causal, dropout: rate = 0, seed = 0 } = options;
  const { keyPaddingMask, path = attentionPath(layout).path } = options;
  checkOptions(q, scale, rate, seed, path, keyPaddingMask);
  const how = { scale, causal, rate, seed };
  const whole = path === 'dense' ? maskedAttention : composedAttention;
  const composed: OfThree = (inputs, [visible]) => {
    if (q.rank === 4) return whole(...inputs, visible, layout, how);
    const [a, b, c] = inputs.map((x) => splitHeads(x, heads)) as [Tensor, Tensor, Tensor];
    return joinHeads(whole(a, b, c, visible, layout, how));
  };
  return tidy(() => {
    const constants = keyPaddingMask ? [cast(cast(keyPaddingMask, 'bool'), 'float32')] : [];
    if (path === 'dense') return composed([q, k, v], constants);
    if (path === 'blocks') return recomputed(composed, [q, k, v], constants);
    return byKernel([q, k, v], constants, { ...how, rows: layout, heads });
  });
}

function byKernel(
  inputs: readonly [Tensor, Tensor, Tensor],
  constants: readonly Tensor[],
  options: BlockAttentionAttrs,
): Tensor {
  const run = (name: string, tensors: Record<string, Tensor>, [visible]: readonly Tensor[]): Tensor[] =>
    engine().runKernel(name, { ...tensors, ...(visible && { visible }) }, { ...options } as unknown as NamedAttrMap); // prettier-ignore
  const attention = customGrad((...given) => {
    const [q, k, v, save] = given as unknown as [Tensor, Tensor, Tensor, (saved: Tensor[]) => void];
    const [out, stats] = run(BLOCK_ATTENTION, { q, k, v }, constants) as [Tensor, Tensor];
    save([q, k, v, out, stats, ...constants]);
    const gradFunc = (dOut: Tensor, saved: Tensor[]): Tensor[] => {
      refuseTape();
      const [q, k, v, out, stats, ...rest] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor, ...Tensor[]];
      return run(BLOCK_ATTENTION_GRADIENT, { q, k, v, out, stats, dOut }, rest);
    };
    return { value: out, gradFunc };
  });
  return attention(...inputs);
}

function checkTensors(q: Tensor, k: Tensor, v: Tensor, { length, heads }: BlockLayout): void {
  const shape = `[batch, ${heads}, ${length}, depth] or [batch, ${length}, ${heads} · depth]`;
  const fits =
    q.rank === 4
      ? q.shape[1] === heads && q.shape[2] === length
      : q.rank === 3 && q.shape[1] === length && q.shape[2]! % heads === 0;
  if (!fits || q.shape.at(-1) === 0)
    throw new ArgumentError(
      `sparseAttention: q must be ${shape}, as the layout says, got [${q.shape.join(', ')}]. Make a layout for this length and number of heads.`,
    );
  for (const [name, x] of Object.entries({ q, k, v })) {
    if (String(x.shape) !== String(q.shape))
      throw new ArgumentError(
        `sparseAttention: ${name} must have the shape of q, [${q.shape.join(', ')}], got [${x.shape.join(', ')}].`,
      );
    if (x.dtype !== 'float32')
      throw new ArgumentError(`sparseAttention: ${name} must be float32, got ${x.dtype}. Cast it first.`);
  }
}

function checkOptions(
  { shape }: Tensor,
  scale: number,
  rate: number,
  seed: number,
  path: string,
  mask: Tensor | undefined,
): void {
  if (!Number.isFinite(scale))
    throw new ArgumentError(`sparseAttention: scale must be a finite number, got ${scale}.`);
  if (!(rate >= 0 && rate < 1))
    throw new ArgumentError(`sparseAttention: dropout must be in [0, 1), got ${rate}.`);
  if (!Number.isSafeInteger(seed))
    throw new ArgumentError(`sparseAttention: seed must be a safe integer, got ${seed}.`);
  if (!['kernel', 'blocks', 'dense'].includes(path))
    throw new ArgumentError(`sparseAttention: path must be kernel, blocks or dense, got ${path}.`);
  const wanted = [shape[0], shape.at(-2)!];
  if (mask && String(mask.shape) !== String(wanted))
    throw new ArgumentError(
      `sparseAttention: keyPaddingMask must be [batch, length] = [${wanted.join(', ')}], got [${mask.shape.join(', ')}].`,
    );
}
