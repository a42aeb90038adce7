/** Which weights of a model play which role in a transformer: what a fused program is made from. */
import type { FusedActivation } from '@ockham/core/kernels';

/**
 * A dense layer by name, whose first weight is the matrix `[inputs, outputs]` and whose second, if there is one, the bias; or some columns
 * of one that holds several matrices side by side, as one layer for query, key and value does.
 */
export type DenseRole =
  string | { readonly layer: string; readonly columns: readonly [begin: number, end: number] };

/** A layer normalisation by name, with the weights gamma and beta in this order and an `epsilon`; or with the epsilon it has. */
export type NormRole = string | { readonly layer: string; readonly epsilon: number };

/** The roles of one transformer layer. */
export interface LayerRoles {
  /** Attention heads, a divisor of the width of queries; these may be wider or narrower than the model. */
  readonly heads: number;
  /** To the queries of all heads, side by side. */
  readonly query: DenseRole;
  /** To the keys of all heads, side by side. */
  readonly key: DenseRole;
  /** To the values of all heads, side by side. */
  readonly value: DenseRole;
  /** From the heads side by side back to the model's width. */
  readonly attentionOutput: DenseRole;
  /** After the sum with attention (BERT), or before attention (GPT-2). */
  readonly attentionNorm: NormRole;
  /** The first layer of the feed-forward branch, before its activation. */
  readonly expand: DenseRole;
  /** The second, back to the model's width. */
  readonly project: DenseRole;
  /** After the sum with the feed-forward branch (BERT), or before it (GPT-2). */
  readonly feedForwardNorm: NormRole;
}

/** One layer of a head: a product, then its activation, then a layer normalisation. */
export interface HeadLayer {
  /** A dense layer; or the table of words, transposed, as language models have it. */
  readonly dense: DenseRole | { readonly tied: 'words' };
  /** A layer whose one weight is the bias, where `dense` is tied. */
  readonly bias?: string;
  /** Default `linear`. */
  readonly activation?: FusedActivation;
  /** A layer normalisation after the activation. Default none. */
  readonly norm?: NormRole;
}

/**
 * What `accelerate` has to know of a model: the place of every weight, by the names of layers, and what no weight says. Fill it for a model
 * of your own; core's BERT and GPT have theirs, {@link bertPolicy} and {@link gptPolicy}.
 *
 * Every weight of the model must play a role. Dropout has none: it does nothing in inference.
 *
 * @example
 * const policy: InferencePolicy = {
 *   attention: 'causal', normalisation: 'before', activation: 'gelu', input: 'ids',
 *   embeddings: { words: 'tokens', positions: 'places' },
 *   layers: [{ heads: 4, query: { layer: 'qkv', columns: [0, 128] }, … }],
 *   norm: 'last_norm',
 *   head: { rows: 'all', layers: [{ dense: { tied: 'words' } }] },
 * };
 */
export interface InferencePolicy {
  /** Whether a token sees all others, or those before it. */
  readonly attention: 'all' | 'causal';
  /** Layer normalisation `after` each sum, or `before` each branch. */
  readonly normalisation: 'after' | 'before';
  /** Between the two feed-forward layers. */
  readonly activation: FusedActivation;
  /** What a position of the input is: a token id, `[batch, length]`, or an id and a type, `[batch, length, 2]`. */
  readonly input: 'ids' | 'ids-and-types';
  /** Id of padding, which no token attends to. Default none. Not with `causal`. */
  readonly padding?: number;
  /** How ids become vectors. */
  readonly embeddings: {
    /** A layer whose first weight is `[tokens, width]`. */
    readonly words: string;
    /** A layer whose first weight is `[positions, width]`. Default none. */
    readonly positions?: string;
    /** A layer whose first weight is `[types, width]`; ids alone are of type 0. Default none. */
    readonly types?: string;
    readonly norm?: NormRole;
  };
  /** At least one. */
  readonly layers: readonly LayerRoles[];
  /** After the last layer. Default none. */
  readonly norm?: NormRole;
  /** What is made of the last layer: of all rows, or of the first token's alone. */
  readonly head: {
    readonly rows: 'all' | 'first';
    readonly layers: readonly HeadLayer[];
    /** Whether the output is probabilities. Default false. */
    readonly softmax?: boolean;
  };
}
