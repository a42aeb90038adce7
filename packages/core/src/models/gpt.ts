/**
 * GPT-2: the decoder of a transformer that predicts the next token of a text.
 *
 * Source: Radford, Wu, Child, Luan, Amodei and Sutskever 2019, "Language models are unsupervised multitask learners", section 2.3; the
 * layer of Vaswani et al. 2017, section 3, normalised before each branch and once more at the end. The table of word vectors is the
 * output matrix too.
 * Deviations: queries, keys and values have a dense layer each, not one for all three; sizes are free, for texts of characters too.
 */
import {
  initializers,
  input,
  layers,
  model,
  type LayersModel,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { ArgumentError } from '../errors.ts';
import type { Seed } from '../random/random.ts';
import { AttentionContext, AttentionProbabilities } from './layers/attention.ts';
import { CausalMask } from './layers/causal-mask.ts';
import { GELU_NEW } from './layers/gelu-new.ts';
import { LayerNorm } from './layers/layer-norm.ts';
import { PositionEmbedding } from './layers/position-embedding.ts';
import { TiedEmbedding } from './layers/tied-embedding.ts';
import { checkDropout, checkInteger, layerSeeds, type LayerSeeds } from './model-options.ts';

/** Standard deviation of initial weights, the paper's predecessor's: Radford et al. 2018, section 4.1. */
const DEVIATION = 0.02;
/** Added to variances: the published code's. */
const EPSILON = 1e-5;

/** Options of `gpt`. The defaults are a small model of characters. */
export interface GptOptions {
  /** Number of tokens, ≥ 2. Default 128: ASCII. */
  readonly vocabulary?: number;
  /** Longest text, in tokens. Default 64. */
  readonly positions?: number;
  /** Tokens of an example, in [1, `positions`], or null for any. Default `positions`. */
  readonly length?: number | null;
  /** Decoder layers, ≥ 1. Default 4. */
  readonly layers?: number;
  /** Width, a multiple of `heads`. Default 128. */
  readonly hidden?: number;
  /** Attention heads. Default 4. */
  readonly heads?: number;
  /** Width between the two feed-forward layers. Default 4 · `hidden`. */
  readonly intermediate?: number;
  /** Fraction dropped after embeddings, attention and each branch while training, in [0, 1). Default 0.1, the paper's. */
  readonly dropout?: number;
  /**
   * Builds what stands in the place of decoder layer i, from its input `[length, hidden]` and the layer, which takes any number of
   * tokens: to let it see fewer, or to skip it. Default the layer.
   */
  readonly around?: (
    i: number,
    x: SymbolicTensor,
    layer: (x: SymbolicTensor) => SymbolicTensor,
  ) => SymbolicTensor;
  /** Seeds the initial weights, each layer by its name. Default 0. */
  readonly seed?: Seed;
  /** The model's name. Default `gpt`. */
  readonly name?: string;
}

/**
 * A GPT-2 decoder with its language-model head, as an ordinary `LayersModel`: token ids `[length]` to logits of the token that comes
 * next at every position, `[length, vocabulary]`; train it with the loss `crossEntropyFromLogits` on the ids shifted by one.
 * Layers: `wte`, `wpe`, `h_0/ln_1`, `h_0/attn/query`, …, `h_0/attn/projection`, `h_0/ln_2`, `h_0/mlp/expand`, `h_0/mlp/project`, …, `ln_f`.
 *
 * @throws ArgumentError for an option out of range.
 *
 * @example
 * const model = gpt({ vocabulary: 65, positions: 64, layers: 2, hidden: 64, seed: 7 });
 * await train(model, characters.train, { epochs: 1, loss: 'crossEntropyFromLogits', seed: 7 });
 */
export function gpt(options: GptOptions = {}): LayersModel {
  const { vocabulary = 128, positions = 64, layers: depth = 4, hidden = 128, heads = 4 } = options;
  const { length = positions, intermediate = 4 * hidden, dropout = 0.1, seed = 0, name = 'gpt' } = options;
  const { around = (_, x, layer) => layer(x) } = options;
  for (const [size, value] of Object.entries({ positions, layers: depth, hidden, heads, intermediate }))
    checkInteger('gpt', size, value, 1);
  checkInteger('gpt', 'vocabulary', vocabulary, 2);
  checkDropout('gpt', dropout);
  if (hidden % heads !== 0)
    throw new ArgumentError(`gpt: hidden must be a multiple of heads = ${heads}, got ${hidden}.`);
  if (length !== null && !(Number.isInteger(length) && length >= 1 && length <= positions))
    throw new ArgumentError(`gpt: length must be in [1, positions] = [1, ${positions}], got ${length}.`);
  const sizes: Sizes = { depth, hidden, heads, intermediate, dropout };
  const seeds = layerSeeds(seed);

  const tokens = input({ shape: [length], dtype: 'int32', name: 'tokens' });
  const table = new TiedEmbedding({
    name: 'wte',
    inputDim: vocabulary,
    outputDim: hidden,
    deviation: DEVIATION,
    seed: seeds('wte'),
  });
  const place = new PositionEmbedding({ name: 'wpe', positions, deviation: DEVIATION, seed: seeds('wpe') });
  // one for all, but where a layer may see fewer tokens
  const mask = options.around ? undefined : causalMask('causal_mask', tokens);
  let x = drop(place.apply(table.apply(tokens)) as SymbolicTensor, 'drop', dropout);
  for (let i = 0; i < depth; i++)
    x = around(i, x, (y) =>
      decoderLayer(sizes, seeds, `h_${i}`, y, mask ?? causalMask(`h_${i}/causal_mask`, y)),
    );
  const outputs = table.apply(norm(x, 'ln_f')) as SymbolicTensor;
  return model({ name, inputs: tokens, outputs });
}

interface Sizes {
  readonly depth: number;
  readonly hidden: number;
  readonly heads: number;
  readonly intermediate: number;
  readonly dropout: number;
}

/** x + attention(LayerNorm(x)), then x + feed-forward(LayerNorm(x)). */
function decoderLayer(
  { depth, hidden, heads, intermediate, dropout }: Sizes,
  seeds: LayerSeeds,
  name: string,
  x: SymbolicTensor,
  mask: SymbolicTensor,
): SymbolicTensor {
  // section 2.3: the weights of residual layers are scaled by 1/√N, N the number of residual layers
  const residual = DEVIATION / Math.sqrt(2 * depth);
  const dense = (
    from: SymbolicTensor,
    part: string,
    units: number,
    deviation = DEVIATION,
  ): SymbolicTensor => {
    const path = `${name}/${part}`;
    const kernelInitializer = initializers.truncatedNormal({ stddev: deviation, seed: seeds(path) });
    const activation = part === 'mlp/expand' ? GELU_NEW : 'linear';
    return layers.dense({ name: path, units, activation, kernelInitializer }).apply(from) as SymbolicTensor;
  };
  const add = (part: string, branch: SymbolicTensor): SymbolicTensor =>
    layers.add({ name: `${name}/${part}/add` }).apply([x, drop(branch, `${name}/${part}/drop`, dropout)]) as SymbolicTensor; // prettier-ignore

  const before = norm(x, `${name}/ln_1`);
  const [q, k, v] = ['query', 'key', 'value'].map((part) => dense(before, `attn/${part}`, hidden)) as [
    SymbolicTensor,
    SymbolicTensor,
    SymbolicTensor,
  ];
  const probabilities = new AttentionProbabilities({ name: `${name}/attn/probabilities`, heads });
  const attended = drop(
    probabilities.apply([q, k, mask]) as SymbolicTensor,
    `${name}/attn/attn_drop`,
    dropout,
  );
  const context = new AttentionContext({ name: `${name}/attn/context`, heads });
  x = add('attn', dense(context.apply([attended, v]) as SymbolicTensor, 'attn/projection', hidden, residual));
  const wide = dense(norm(x, `${name}/ln_2`), 'mlp/expand', intermediate);
  x = add('mlp', dense(wide, 'mlp/project', hidden, residual));
  return x;
}

function causalMask(name: string, x: SymbolicTensor): SymbolicTensor {
  return new CausalMask({ name }).apply(x) as SymbolicTensor;
}

function norm(x: SymbolicTensor, name: string): SymbolicTensor {
  return new LayerNorm({ name, epsilon: EPSILON }).apply(x) as SymbolicTensor;
}

function drop(x: SymbolicTensor, name: string, rate: number): SymbolicTensor {
  return rate === 0 ? x : (layers.dropout({ name, rate }).apply(x) as SymbolicTensor);
}
