import { ArgumentError } from '../errors.ts';
import type { Seed } from '../random/random.ts';
import type { Layer } from '../training/layers.ts';
import { checkDropout, checkInteger } from './model-options.ts';

/** Sizes of an encoder. */
export interface BertSizes {
  /** Encoder layers, ≥ 1. */
  readonly layers: number;
  /** Width, a multiple of `heads`. */
  readonly hidden: number;
  /** Attention heads. */
  readonly heads: number;
}

/** Names of the published sizes. */
export type BertPreset = 'tiny' | 'mini' | 'small' | 'medium' | 'base';

/**
 * The sizes of Turc et al. 2019, "Well-read students learn better", table 1, and base of Devlin et al. 2018,
 * section 3; a head is 64 wide.
 */
export const bertPresets: Readonly<Record<BertPreset, BertSizes>> = {
  tiny: { layers: 2, hidden: 128, heads: 2 },
  mini: { layers: 4, hidden: 256, heads: 4 },
  small: { layers: 4, hidden: 512, heads: 8 },
  medium: { layers: 8, hidden: 512, heads: 8 },
  base: { layers: 12, hidden: 768, heads: 12 },
};

/** What `bert` tells the maker of its word table. */
export interface WordEmbeddingsArgs {
  /** Number of tokens. */
  readonly vocabulary: number;
  /** Width of a token's vector. */
  readonly hidden: number;
  /** The name to give the layer: `embeddings/word_embeddings`. */
  readonly name: string;
  /** Standard deviation of initial values: 0.02, as elsewhere in the model. */
  readonly deviation: number;
  /** For the initial values. */
  readonly seed: number;
}

/** Options of `bert`. */
export interface BertOptions {
  /** Where sizes come from that are not given. Default `tiny`. */
  readonly preset?: BertPreset;
  /** Encoder layers, ≥ 1. Default the preset's. */
  readonly layers?: number;
  /** Width, a multiple of `heads`. Default the preset's. */
  readonly hidden?: number;
  /** Attention heads. Default the preset's. */
  readonly heads?: number;
  /** Width between the two feed-forward layers. Default 4 · `hidden`. */
  readonly intermediate?: number;
  /** Number of tokens. Default 30522, that of the English uncased vocabulary. */
  readonly vocabulary?: number;
  /** Longest text the model has position vectors for, in tokens. Default 512. */
  readonly positions?: number;
  /** Kinds of token: 2, the default, for first and second text. */
  readonly tokenTypes?: number;
  /** Tokens of an example, in [1, `positions`], or null for any. Default 128. FLOPs are counted for fixed lengths only. */
  readonly length?: number | null;
  /**
   * What one position of the input is: `ids`, the default, a token id, so that an example is `[length]` and
   * every token is of type 0; `ids-and-types`, an id and a token type, so that it is `[length, 2]`. Id 0 is padding
   * in both and never attended to.
   */
  readonly input?: 'ids' | 'ids-and-types';
  /**
   * What the model returns: `sequence` `[length, hidden]`, the last layer; `pooled` `[hidden]`, tanh of a dense layer
   * on the first token; `classifier` `[classes]`; `regression` `[1]`; `language-model` `[length, vocabulary]`, scores of
   * the token at each position with the embedding table as output matrix. Default `classifier`.
   */
  readonly head?: 'sequence' | 'pooled' | 'classifier' | 'regression' | 'language-model';
  /** Of the head `classifier`: number of classes, ≥ 2. Default 2. */
  readonly classes?: number;
  /**
   * Of the heads `classifier` and `language-model`: probabilities (`softmax`, for the loss `crossEntropy`) or the
   * values before (`logits`, for `crossEntropyFromLogits` and `maskedTokenLoss`). Default `softmax` for a classifier, as
   * of every network here, and `logits` for a language model.
   */
  readonly output?: 'softmax' | 'logits';
  /** Fraction dropped after embeddings, dense layers and the pooler while training, in [0, 1). Default 0.1, the paper's. */
  readonly dropout?: number;
  /** Fraction of attention probabilities dropped while training, in [0, 1). Default 0.1, the paper's. */
  readonly attentionDropout?: number;
  /** `gelu` with the error function, as published weights want it, or its approximation by tanh. Default `gelu`. */
  readonly activation?: 'gelu' | 'gelu-tanh';
  /**
   * Makes the table of word vectors: a layer from ids `[batch, length]` to `[batch, length, hidden]`, and of a
   * `language-model` also from `[batch, length, hidden]` to `[batch, length, vocabulary]`, as `TiedEmbedding`. Default:
   * `TiedEmbedding` of a language model, else a stock embedding.
   */
  readonly wordEmbeddings?: (args: WordEmbeddingsArgs) => Layer;
  /** Seeds the initial weights, each layer by its name. Default 0. */
  readonly seed?: Seed;
  /** The model's name. Default `bert`. */
  readonly name?: string;
}

/** {@link BertOptions} with every default filled in. */
export type BertPlan = Required<Omit<BertOptions, 'wordEmbeddings'>> & Pick<BertOptions, 'wordEmbeddings'>;

/** Fills in the defaults. @throws ArgumentError for an option out of range. */
export function planBert(options: BertOptions): BertPlan {
  const { preset = 'tiny' } = options;
  const sizes = Object.hasOwn(bertPresets, preset) ? bertPresets[preset] : undefined;
  if (!sizes) {
    throw new ArgumentError(
      `bert: preset must be one of ${Object.keys(bertPresets).join(', ')}, got '${preset}'.`,
    );
  }
  const { layers = sizes.layers, hidden = sizes.hidden, heads = sizes.heads, positions = 512 } = options;
  const plan: BertPlan = {
    preset,
    layers,
    hidden,
    heads,
    positions,
    intermediate: options.intermediate ?? 4 * hidden,
    vocabulary: options.vocabulary ?? 30522,
    tokenTypes: options.tokenTypes ?? 2,
    length: options.length === undefined ? Math.min(128, positions) : options.length,
    input: options.input ?? 'ids',
    head: options.head ?? 'classifier',
    classes: options.classes ?? 2,
    output: options.output ?? (options.head === 'language-model' ? 'logits' : 'softmax'),
    dropout: options.dropout ?? 0.1,
    attentionDropout: options.attentionDropout ?? 0.1,
    activation: options.activation ?? 'gelu',
    ...(options.wordEmbeddings ? { wordEmbeddings: options.wordEmbeddings } : {}),
    seed: options.seed ?? 0,
    name: options.name ?? 'bert',
  };
  for (const size of ['layers', 'hidden', 'heads', 'intermediate', 'positions', 'tokenTypes'] as const) {
    checkInteger('bert', size, plan[size], 1);
  }
  checkInteger('bert', 'vocabulary', plan.vocabulary, 2);
  checkInteger('bert', 'classes', plan.classes, 2);
  if (hidden % heads !== 0) {
    throw new ArgumentError(`bert: hidden must be a multiple of heads = ${heads}, got ${hidden}.`);
  }
  if (plan.length !== null) {
    checkInteger('bert', 'length', plan.length, 1);
    if (plan.length > positions) {
      throw new ArgumentError(
        `bert: length must be in [1, positions] = [1, ${positions}], got ${plan.length}.`,
      );
    }
  }
  checkDropout('bert', plan.dropout);
  if (!(plan.attentionDropout >= 0 && plan.attentionDropout < 1)) {
    throw new ArgumentError(`bert: attentionDropout must be in [0, 1), got ${plan.attentionDropout}.`);
  }
  checkChoice('input', plan.input, ['ids', 'ids-and-types']);
  checkChoice('head', plan.head, ['sequence', 'pooled', 'classifier', 'regression', 'language-model']);
  checkChoice('output', plan.output, ['softmax', 'logits']);
  checkChoice('activation', plan.activation, ['gelu', 'gelu-tanh']);
  return plan;
}

function checkChoice(name: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return;
  throw new ArgumentError(`bert: ${name} must be one of ${choices.join(', ')}, got '${value}'.`);
}
