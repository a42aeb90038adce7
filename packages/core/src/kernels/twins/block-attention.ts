import { leastDraw } from '../attention/attention-geometry.ts';
import type { BlockRows } from '../attention/block-rows.ts';
import { drawOf, streamOf } from '../attention/dropout-draw.ts';
import { headPlaces, type AttentionShape } from '../attention/head-places.ts';

/** What attention by blocks takes besides its tensors. */
export interface BlockAttentionAttrs {
  /** Which blocks of keys each block of queries sees. */
  readonly rows: BlockRows;
  /** Attention heads, a divisor of the width. */
  readonly heads: number;
  /** What scores are multiplied by before the softmax, most often 1 / √d_k. */
  readonly scale: number;
  /** Whether no query sees a later key. */
  readonly causal: boolean;
  /** Fraction of probabilities that is dropped. */
  readonly rate: number;
  /** Of the dropped probabilities. */
  readonly seed: number;
}

/** Numbers of an {@link AttentionShape}, and which keys are visible, `[batch, length]`. */
export interface BlockAttentionInputs {
  readonly q: ArrayLike<number>;
  readonly k: ArrayLike<number>;
  readonly v: ArrayLike<number>;
  readonly visible?: ArrayLike<number> | undefined;
}

/** Attention over the present blocks in double precision: out, and each query's maximum and inverse sum, `[batch, heads, 2, length]`. */
export function blockAttentionTwin(
  inputs: BlockAttentionInputs,
  shape: AttentionShape,
  attrs: BlockAttentionAttrs,
): { readonly out: Float64Array; readonly stats: Float64Array } {
  const { batch, length } = headPlaces(shape, attrs.heads);
  const out = new Float64Array(sizeOf(shape));
  const stats = new Float64Array(batch * attrs.heads * 2 * length);
  eachQuery(inputs, shape, attrs, ({ head, query, at, seen, most, sum, depth }) => {
    stats[(2 * head + 0) * length + query] = most;
    stats[(2 * head + 1) * length + query] = sum === 0 ? 0 : 1 / sum;
    for (const { from, kept } of seen)
      for (let c = 0; c < depth; c++) out[at + c]! += kept * inputs.v[from + c]!;
  });
  return { out, stats };
}

/** The gradients of q, k and v. */
export function blockAttentionGradientTwin(
  inputs: BlockAttentionInputs,
  dOut: ArrayLike<number>,
  shape: AttentionShape,
  attrs: BlockAttentionAttrs,
): { readonly dq: Float64Array; readonly dk: Float64Array; readonly dv: Float64Array } {
  const size = sizeOf(shape);
  const [dq, dk, dv] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
  eachQuery(inputs, shape, attrs, ({ at, seen, depth }) => {
    const slopes = seen.map(({ from, factor }) => {
      let slope = 0;
      for (let c = 0; c < depth; c++) slope += dOut[at + c]! * inputs.v[from + c]!;
      return factor * slope;
    });
    const mean = seen.reduce((sum, { p }, i) => sum + p * slopes[i]!, 0);
    for (const [i, { from, p, kept }] of seen.entries()) {
      const slope = attrs.scale * p * (slopes[i]! - mean);
      for (let c = 0; c < depth; c++) {
        dq[at + c]! += slope * inputs.k[from + c]!;
        dk[from + c]! += slope * inputs.q[at + c]!;
        dv[from + c]! += kept * dOut[at + c]!;
      }
    }
  });
  return { dq, dk, dv };
}

interface Query {
  /** Of the example's head, counted through. */
  readonly head: number;
  readonly query: number;
  readonly depth: number;
  /** Where the query stands. */
  readonly at: number;
  readonly most: number;
  readonly sum: number;
  /** The keys that it sees: where they stand, their probability, what a dropout makes of it, and the factor of that. */
  readonly seen: readonly { from: number; p: number; kept: number; factor: number }[];
}

function eachQuery(
  { q, k, visible }: BlockAttentionInputs,
  shape: AttentionShape,
  { rows, heads, scale, causal, rate, seed }: BlockAttentionAttrs,
  visit: (query: Query) => void,
): void {
  const { batch, length, depth, stride, first: firstOf } = headPlaces(shape, heads);
  for (let head = 0; head < batch * heads; head++) {
    const [example, own] = [Math.floor(head / heads), head % heads];
    const first = firstOf(head);
    const stream = streamOf(seed, head);
    for (let query = 0; query < length; query++) {
      const at = first + query * stride;
      const row = (rows.patterns === 1 ? 0 : own * rows.blocks) + Math.floor(query / rows.block);
      const keys: { key: number; from: number; score: number }[] = [];
      for (const column of rows.columns.subarray(rows.starts[row], rows.starts[row + 1])) {
        for (let key = column * rows.block; key < Math.min(length, (column + 1) * rows.block); key++) {
          if ((causal && key > query) || visible?.[example * length + key] === 0) continue;
          const from = first + key * stride;
          let score = 0;
          for (let c = 0; c < depth; c++) score += q[at + c]! * k[from + c]!;
          keys.push({ key, from, score: scale * score });
        }
      }
      const most = keys.reduce((max, { score }) => Math.max(max, score), -Infinity);
      const sum = keys.reduce((total, { score }) => total + Math.exp(score - most), 0);
      const seen = keys.map(({ key, from, score }) => {
        const p = Math.exp(score - most) / sum;
        const factor = drawOf(stream, key, query) >= leastDraw(rate) ? 1 / (1 - rate) : 0;
        return { from, p, factor, kept: p * factor };
      });
      visit({ head, query, depth, at, seen, sum, most: most === -Infinity ? 0 : most });
    }
  }
}

function sizeOf(shape: AttentionShape): number {
  return shape.reduce((product, n) => product * n, 1);
}
