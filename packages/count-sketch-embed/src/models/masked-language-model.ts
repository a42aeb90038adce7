/**
 * Pre-training of a BERT encoder by masked language modelling, with any table of word vectors.
 *
 * Source: Devlin et al. 2018, section 3.1; Sachdeva, "Probabilistically compressed embedding tables", section 5: "we
 * maintain a classical embedding table only for loss computation which is not used for fine-tuning".
 * Deviations: scores are computed at the hidden words alone; a compressed table may score through its own transpose, and
 * the softmax may be sampled (Jean et al. 2015, section 3).
 */
import { ArgumentError } from '@ockham/core';
import type { Split } from '@ockham/core';
import { bert, LayerNorm, type BertOptions } from '@ockham/core/models';
import { Random, toRandom } from '@ockham/core/random';
import type { LossFunction } from '@ockham/core/training';
import {
  add,
  cast,
  concat,
  div,
  equal,
  expandDims,
  gather,
  greaterEqual,
  logSumExp,
  matMul,
  maximum,
  mul,
  range,
  reshape,
  slice,
  sub,
  sum,
  tensor1d,
  type Rank,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import {
  initializers,
  layers,
  model as layersModel,
  type LayersModel,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import type { EmbeddingLayer } from './embedding-layer.ts';
import { LanguageModelHead } from './language-model-head.ts';

/** Options of {@link maskedLanguageModel}: those of `bert`, its heads apart. */
export interface MaskedLanguageModelOptions extends Omit<BertOptions, 'head' | 'classes' | 'output'> {
  /**
   * What scores tokens: the word table's own transpose (`tied`, the default), or a classical table that serves
   * the loss alone and is left behind for fine-tuning (`own`, the paper's).
   */
  readonly outputTable?: 'tied' | 'own';
  /** Tokens drawn in each step against which the right one is scored. Default: the whole vocabulary. */
  readonly samples?: number;
  /** How often each token occurs, `[vocabulary]`; samples are drawn as these counts to the power ¾. Default: evenly. */
  readonly frequencies?: ArrayLike<number>;
}

/** A model to hand to `train`, with its losses. Targets are those of {@link askedTokens}. */
export interface MaskedLanguageModel {
  /** From token ids to the states that the loss scores, `[length, hidden]`. */
  readonly model: LayersModel;
  /** −log p of the right tokens, sampled if so asked. */
  readonly loss: LossFunction;
  /** −log p over the whole vocabulary: exp of it is the perplexity. */
  readonly fullLoss: LossFunction;
}

/** Counts are flattened by this power (Mikolov et al. 2013, section 2.2). */
const FLATTENED = 0.75;

/**
 * A BERT encoder, the transform of its language model and a {@link LanguageModelHead}.
 *
 * @throws ArgumentError for an option out of range.
 *
 * @example
 * const wordEmbeddings = ({ vocabulary, hidden, name, seed }) =>
 *   new CountSketchEmbedding({ vocabulary, dimension: hidden, rows: 820, hashes: 4, name, seed });
 * const { model, loss } = maskedLanguageModel({ preset: 'mini', length: 64, wordEmbeddings });
 * await train(model, askedTokens(maskTokens(texts, tokenizer), 16), { epochs: 1, loss });
 */
export function maskedLanguageModel(options: MaskedLanguageModelOptions = {}): MaskedLanguageModel {
  const { outputTable = 'tied', samples, frequencies, ...sizes } = options;
  const encoder = bert({ ...sizes, head: 'sequence' });
  const [, , hidden] = encoder.outputs[0]!.shape as [null, number | null, number];
  const vocabulary = sizes.vocabulary ?? 30522;
  check(outputTable, samples, frequencies, vocabulary);
  const random = toRandom(options.seed ?? 0).stream('language-model');
  const seedOf = (name: string) => random.stream(name).seed();
  const prefix = 'cls/predictions';
  const transform = layers.dense({
    name: `${prefix}/transform/dense`,
    units: hidden,
    activation: options.activation === 'gelu-tanh' ? 'gelu_new' : 'gelu',
    kernelInitializer: initializers.truncatedNormal({ stddev: 0.02, seed: seedOf('transform') }),
  });
  const norm = new LayerNorm({ name: `${prefix}/transform/LayerNorm`, epsilon: 1e-12 });
  const own = outputTable === 'own';
  const head = new LanguageModelHead({ name: prefix, vocabulary, table: own, seed: seedOf('table') });
  const x = norm.apply(transform.apply(encoder.outputs[0]!)) as SymbolicTensor;
  const model = layersModel({
    name: sizes.name ?? 'masked-language-model',
    inputs: encoder.inputs,
    outputs: head.apply(x) as SymbolicTensor,
  });
  const table = model.getLayer('embeddings/word_embeddings');
  const vectors = (ids: Tensor1D) => vectorsOf(head, table, ids);
  const fullLoss = averaged((states, tokens) => fullScores(head, vectors, states, tokens));
  if (samples === undefined) return { model, loss: fullLoss, fullLoss };
  const draw = sampler(vocabulary, samples, frequencies);
  const loss = averaged((states, tokens) => sampledScores(head, vectors, draw(head.seed!), states, tokens));
  return { model, loss, fullLoss };
}

/**
 * Targets of every position, as `maskTokens` makes them, as the places and tokens of the first `most` hidden words of each
 * example: `[2, most]`, −1 where there are fewer. Scoring these alone saves most of the work.
 */
export function askedTokens(masked: Split, most: number): Split {
  const [length] = masked.y.shape as [number];
  if (!Number.isInteger(most) || most < 1 || most > length) {
    throw new ArgumentError(
      `askedTokens: most must be an integer in [1, length] = [1, ${length}], got ${most}.`,
    );
  }
  const values = new Int32Array(masked.size * 2 * most).fill(-1);
  for (let row = 0; row < masked.size; row++) {
    let count = 0;
    for (let place = 0; place < length && count < most; place++) {
      const token = masked.y.values[row * length + place]!;
      if (token < 0) continue;
      values[row * 2 * most + count] = place;
      values[row * 2 * most + most + count++] = token;
    }
  }
  return { ...masked, y: { values, shape: [2, most] } };
}

type Scores = (states: Tensor2D, tokens: Tensor1D) => Tensor;

/** Picks states `[n, D]` and tokens `[n]` where words are hidden, and averages −log p over them. */
function averaged(minusLogP: Scores): LossFunction {
  return (target, states) => {
    const [batch, length, width] = states.shape as [number, number, number];
    const most = target.shape[2]!;
    const part = (i: number) =>
      cast(reshape<Rank.R2>(slice(target, [0, i, 0], [batch, 1, most]), [batch, most]), 'int32');
    const tokens = reshape<Rank.R1>(part(1), [batch * most]);
    const firsts = reshape(mul(range(0, batch, 1, 'int32'), length), [batch, 1]);
    const places = cast(reshape(add(maximum(part(0), 0), firsts), [batch * most]), 'int32');
    const asked = gather(reshape<Rank.R2>(states, [batch * length, width]), places);
    const wanted = cast(greaterEqual(tokens, 0), 'float32');
    const losses = minusLogP(asked, cast(maximum(tokens, 0), 'int32'));
    return div(sum(mul(losses, wanted)), maximum(sum(wanted), 1));
  };
}

/** Vectors of tokens on the output side, `[n, D]`. */
function vectorsOf(head: LanguageModelHead, table: EmbeddingLayer, ids: Tensor1D): Tensor2D {
  return (head.embeddings ? gather(head.embeddings.read(), ids) : table.apply(ids)) as Tensor2D;
}

function fullScores(
  head: LanguageModelHead,
  vectors: (ids: Tensor1D) => Tensor2D,
  states: Tensor2D,
  tokens: Tensor1D,
): Tensor {
  const table = (head.embeddings?.read() ?? vectors(range(0, head.vocabulary, 1, 'int32'))) as Tensor2D;
  const bias = head.bias!.read();
  const scores = add(matMul(states, table, false, true), bias); // [n, vocabulary]
  const right = add(sum(mul(states, gather(table, tokens)), 1), gather(bias, tokens));
  return sub(logSumExp(scores, 1), right);
}

/** The sum over all tokens as the right one's term and, for the others, an estimate without bias: Σ exp(score) / (samples · q). */
function sampledScores(
  head: LanguageModelHead,
  vectors: (ids: Tensor1D) => Tensor2D,
  { ids, logExpected }: Drawn,
  states: Tensor2D,
  tokens: Tensor1D,
): Tensor {
  const [n, samples] = [tokens.size, ids.length];
  const drawn = tensor1d(ids, 'int32');
  const table = vectors(concat([tokens, drawn])); // [n + samples, D]
  const [rightRows, drawnRows] = [
    slice(table, [0, 0], [n, table.shape[1]]),
    slice(table, [n, 0], [samples, table.shape[1]]),
  ];
  const bias = head.bias!.read();
  const right = add(sum(mul(states, rightRows), 1), gather(bias, tokens));
  const others = add(matMul(states, drawnRows, false, true), sub(gather(bias, drawn), tensor1d(logExpected)));
  // a draw of the right token itself is no rival
  const same = cast(equal(expandDims(tokens, 1), expandDims(drawn, 0)), 'float32');
  const rivals = sub(others, mul(same, 1e9)); // [n, samples]
  return sub(logSumExp(concat([expandDims(right, 1), rivals], 1), 1), right);
}

interface Drawn {
  readonly ids: Int32Array;
  /** log(samples · q) of each draw. */
  readonly logExpected: Float32Array;
}

/** Draws `samples` tokens, with replacement. */
function sampler(
  vocabulary: number,
  samples: number,
  frequencies: ArrayLike<number> | undefined,
): (seed: number) => Drawn {
  // one more of each, so that none is impossible
  const weights = Float64Array.from({ length: vocabulary }, (_, i) =>
    frequencies ? (frequencies[i]! + 1) ** FLATTENED : 1,
  );
  let running = 0;
  const upTo = weights.map((w) => (running += w));
  const total = running;
  return (seed) => {
    const random = new Random(seed);
    const ids = Int32Array.from({ length: samples }, () => firstAbove(upTo, random.uniform() * total));
    const logExpected = Float32Array.from(ids, (id) => Math.log((samples * weights[id]!) / total));
    return { ids, logExpected };
  };
}

function firstAbove(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

function check(
  outputTable: string,
  samples: number | undefined,
  frequencies: ArrayLike<number> | undefined,
  vocabulary: number,
): void {
  if (outputTable !== 'own' && outputTable !== 'tied') {
    throw new ArgumentError(
      `maskedLanguageModel: outputTable must be 'tied' or 'own', got '${outputTable}'.`,
    );
  }
  if (samples !== undefined && !(Number.isInteger(samples) && samples >= 1)) {
    throw new ArgumentError(`maskedLanguageModel: samples must be an integer ≥ 1, got ${samples}.`);
  }
  if (frequencies && frequencies.length !== vocabulary) {
    throw new ArgumentError(
      `maskedLanguageModel: frequencies must count each of ${vocabulary} tokens, got ${frequencies.length} counts.`,
    );
  }
}
