import { ArgumentError } from '@ockham/core';
import { greater, reshape, serialization, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { blockLayout, type BlockLayout } from './block-layout.ts';
import type { BlockPattern } from './block-pattern.ts';
import { sparseAttention } from './sparse-attention.ts';

type Shape = (number | null)[];

/** Configuration of a {@link SparseAttention} layer. */
export interface SparseAttentionArgs {
  /** Number of heads, a divisor of the width. */
  readonly heads: number;
  /** Laid out anew for each length that the layer meets. */
  readonly pattern: BlockPattern;
  /** Whether no token attends to a later one. Default whether the pattern is unidirectional. */
  readonly causal?: boolean;
  /** Fraction of probabilities dropped while training, in [0, 1). Default 0. */
  readonly dropout?: number;
  /** Seeds the dropout; `train` and the engine give every step a seed of its own. Default 0. */
  readonly seed?: number;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
}

/** Of a mask that is added to scores, what is above it is seen. */
const SEEN = -5e8;
/** Layouts that are kept: a model meets few lengths. */
const KEPT = 8;

/**
 * Multi-head attention over the present blocks of a pattern, without its weights, in the place of core's `AttentionProbabilities` and
 * `AttentionContext`: queries, keys and values `[batch, length, width]` and, if there is padding, what is added to scores,
 * `[batch, 1, 1, length]`, to `[batch, length, width]`.
 *
 * Importing the package registers the class, so that models with it load from disk.
 */
export class SparseAttention extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'SparseAttention';
  /** See {@link SparseAttentionArgs.heads}. */
  readonly heads: number;
  /** See {@link SparseAttentionArgs.pattern}. */
  readonly pattern: BlockPattern;
  /** See {@link SparseAttentionArgs.causal}. */
  readonly causal: boolean;
  /** See {@link SparseAttentionArgs.dropout}. */
  readonly rate: number;
  /** Of the step's dropout; set by `train` and the engine. */
  seed: number;
  /** Tells `train` to set {@link seed} for each step. */
  readonly seededNoise = true;
  readonly #layouts = new Map<number, BlockLayout>();

  constructor(args: SparseAttentionArgs) {
    super({ ...(args.name !== undefined && { name: args.name }) });
    const { heads, pattern, causal = pattern.attention === 'unidirectional', dropout = 0, seed = 0 } = args;
    if (!Number.isInteger(heads) || heads < 1)
      throw new ArgumentError(`SparseAttention: heads must be an integer ≥ 1, got ${heads}.`);
    if (!(dropout >= 0 && dropout < 1))
      throw new ArgumentError(`SparseAttention: dropout must be in [0, 1), got ${dropout}.`);
    [this.heads, this.pattern, this.causal, this.rate, this.seed] = [heads, pattern, causal, dropout, seed];
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [queries] = inputShape as [Shape];
    const width = queries.at(-1)!;
    if (width === null || width % this.heads !== 0)
      throw new ArgumentError(
        `SparseAttention: the width must be fixed and a multiple of heads = ${this.heads}, got ${width}. Choose a divisor of the width.`,
      );
    return queries;
  }

  /** The layout for a length. */
  layoutFor(length: number): BlockLayout {
    const known = this.#layouts.get(length);
    if (known) return known;
    const made = blockLayout(this.pattern, { length, heads: this.heads });
    if (this.#layouts.size >= KEPT) this.#layouts.clear();
    this.#layouts.set(length, made);
    return made;
  }

  override call(inputs: Tensor | Tensor[], kwargs: Record<string, unknown> = {}): Tensor {
    const [q, k, v, mask] = inputs as [Tensor, Tensor, Tensor, Tensor?];
    return tidy(() => {
      const dropout = kwargs['training'] === true ? this.rate : 0;
      const [batch, length] = q.shape as [number, number];
      return sparseAttention(q, k, v, this.layoutFor(length), {
        causal: this.causal,
        dropout,
        seed: this.seed,
        ...(mask && { keyPaddingMask: greater(reshape(mask, [batch, length]), SEEN) }),
      });
    });
  }

  override getConfig(): serialization.ConfigDict {
    const pattern = structuredClone(this.pattern) as unknown as serialization.ConfigDict;
    const { heads, causal, rate: dropout, seed } = this;
    return { ...super.getConfig(), heads, pattern, causal, dropout, seed };
  }
}

serialization.registerClass(SparseAttention);
