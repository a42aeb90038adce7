/** Which features a worker sees, from a 4-byte seed that both sides know; with the probabilities that make it unbiased. */
import { ArgumentError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import type { LinearSystem } from '../system.ts';
import { leverageScores } from './leverage.ts';

/**
 * How masks are drawn.
 *
 * - `bernoulli`: each feature on its own with probability α (Algorithms 3 to 5)
 * - `fixed`: round(αd) features, every set of them as likely as any other
 * - `blocks`: round(αd) features, those of different workers disjoint as long as there are enough (a permutation of the
 *   round, dealt out in turn): every feature is seen by equally many workers, but for one
 * - `leverage`: each feature on its own, with a probability in proportion to its ridge leverage score, αd on average
 * - `greedy`: the round(αd) features of the largest gradient; needs the coordinator's knowledge, so that it is sent as d
 *   bits instead of a seed, and is biased
 */
export type MaskKind = 'bernoulli' | 'fixed' | 'blocks' | 'leverage' | 'greedy';

/** The features of one worker in one round. */
export interface Mask {
  /** Rising. */
  readonly indices: Int32Array;
  /** 1/π_i, of the same length: what α⁻¹Bernoulli(α) has on its diagonal. */
  readonly weights: Float64Array;
}

/** A way of drawing masks, the same on every rank. */
export interface MaskFamily {
  /** Which family it is. */
  readonly kind: MaskKind;
  /** π_iπ_j/π_ij for i ≠ j: 1 where features are drawn independently, a little above for sets of a fixed size. */
  readonly pairFactor: number;
  /** `[d]`: π_i, the probability that a worker sees feature i. */
  readonly probabilities: Float64Array;
  /** How many bytes tell a worker its mask: 4, or ⌈d/8⌉ for `greedy`. */
  readonly bytes: number;
  /** The mask of a worker in a round: the same `seed` and `worker` give the same mask on every rank. */
  draw(seed: number, worker: number): Mask;
}

/**
 * @param alpha share of the features, in (0, 1]
 * @throws ArgumentError where alpha is outside (0, 1], or leaves fewer than two features of a fixed size.
 */
export function maskFamily(kind: MaskKind, system: LinearSystem, alpha: number): MaskFamily {
  const { d } = system;
  if (!(alpha > 0 && alpha <= 1)) {
    throw new ArgumentError(
      `solve: alpha must be in (0, 1], the share of features a worker sees, got ${alpha}.`,
    );
  }
  switch (kind) {
    case 'bernoulli':
      return independent(kind, new Float64Array(d).fill(alpha));
    case 'leverage':
      return independent(kind, inclusion(leverageScores(system), alpha * d));
    case 'fixed':
    case 'blocks':
    case 'greedy':
      return ofFixedSize(kind, d, alpha);
    default:
      throw new ArgumentError(
        `solve: masks must be bernoulli, fixed, blocks, leverage or greedy, got ${String(kind)}.`,
      );
  }
}

function independent(kind: MaskKind, probabilities: Float64Array): MaskFamily {
  return {
    kind,
    probabilities,
    pairFactor: 1,
    bytes: 4,
    draw(seed) {
      const random = new Random(seed);
      const kept: number[] = [];
      probabilities.forEach((p, i) => {
        if (p >= 1 || random.uniform() < p) kept.push(i);
      });
      return weighted(Int32Array.from(kept), probabilities);
    },
  };
}

function ofFixedSize(kind: MaskKind, d: number, alpha: number): MaskFamily {
  const size = Math.round(alpha * d);
  if (size < Math.min(2, d)) {
    throw new ArgumentError(
      `solve: masks of a fixed size need two features at least, got alpha = ${alpha} of ${d}. Raise alpha, or take bernoulli.`,
    );
  }
  const probabilities = new Float64Array(d).fill(size / d);
  return {
    kind,
    probabilities,
    pairFactor: d === 1 ? 1 : (size * (d - 1)) / (d * (size - 1)),
    bytes: kind === 'greedy' ? Math.ceil(d / 8) : 4,
    draw(seed, worker) {
      const order = new Random(seed).permutation(d);
      const begin = kind === 'blocks' ? (worker * size) % d : 0;
      const indices = Int32Array.from({ length: size }, (_, i) => order[(begin + i) % d]!).sort();
      return weighted(indices, probabilities);
    },
  };
}

/** A mask from its features. */
export function weighted(indices: Int32Array, probabilities: Float64Array): Mask {
  return { indices, weights: Float64Array.from(indices, (i) => 1 / probabilities[i]!) };
}

/** Probabilities in proportion to the scores, at most 1 and at least a tenth of the mean, that add up to `total`. */
function inclusion(scores: Float64Array, total: number): Float64Array {
  const d = scores.length;
  const mean = scores.reduce((sum, score) => sum + score, 0) / d;
  const floored = scores.map((score) => Math.max(score, 0.1 * mean));
  let scale = total / floored.reduce((sum, score) => sum + score, 0);
  for (let pass = 0; pass < 100; pass++) {
    const full = floored.filter((score) => score * scale >= 1).length;
    const rest = floored.reduce((sum, score) => sum + (score * scale >= 1 ? 0 : score), 0);
    if (rest === 0) break;
    const next = (total - full) / rest;
    if (Math.abs(next - scale) <= 1e-15 * scale) break;
    scale = next;
  }
  return floored.map((score) => Math.min(1, score * scale));
}
