/**
 * BERT: the encoder of a transformer over the tokens of a text or a pair of texts.
 *
 * Source: Devlin, Chang, Lee and Toutanova 2018, "BERT: pre-training of deep bidirectional transformers for language
 * understanding", section 3 and appendix A; the layer of Vaswani et al. 2017, section 3, normalised after each
 * sum. Names of layers are those of the published checkpoints, without the prefix `bert/`.
 * Deviations: none in the encoder; the next-sentence head of pre-training is left out.
 */
import {
  initializers,
  input,
  layers,
  model,
  type LayersModel,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import type { Layer } from '../training/layers.ts';
import { ArgumentError } from '../errors.ts';
import { planBert, type BertOptions, type BertPlan } from './bert-options.ts';
import { AttentionContext, AttentionProbabilities } from './layers/attention.ts';
import { FirstToken } from './layers/first-token.ts';
import { GELU_NEW } from './layers/gelu-new.ts';
import { LayerNorm } from './layers/layer-norm.ts';
import { OutputBias } from './layers/output-bias.ts';
import { PaddingMask } from './layers/padding-mask.ts';
import { PositionEmbedding } from './layers/position-embedding.ts';
import { TiedEmbedding } from './layers/tied-embedding.ts';
import { TokenColumn } from './layers/token-column.ts';
import { layerSeeds, type LayerSeeds } from './model-options.ts';

/** Standard deviation of initial weights: `initializer_range` of the published code. */
const DEVIATION = 0.02;
/** Added to variances: the published code's. */
const EPSILON = 1e-12;

/**
 * A BERT encoder with a head, as an ordinary `LayersModel` of one input and one output. Every matrix is a stock dense
 * layer and every dropout a stock layer, so `train` seeds them all; attention in between has layers of its own, which
 * importing `@ockham/core/models` registers for loading.
 *
 * Input: integers, `[length]` token ids, or `[length, 2]` with `input: 'ids-and-types'`; 0 is padding.
 * Layers: `embeddings/word_embeddings`, `encoder/layer_0/attention/self/query`, …,
 * `encoder/layer_0/output/LayerNorm`, …, `pooler/dense`, `classifier`, `cls/predictions/…`.
 *
 * @throws ArgumentError for an option out of range.
 *
 * @example
 * const model = bert({ preset: 'tiny', length: 32, classes: 2, seed: 7 });
 * await train(model, data.train, { epochs: 3, optimizer: { name: 'adam', learningRate: 5e-4 }, seed: 7 });
 */
export function bert(options: BertOptions = {}): LayersModel {
  const plan = planBert(options);
  const build: Build = { plan, seeds: layerSeeds(plan.seed) };
  const { head, length } = plan;
  const shape = plan.input === 'ids' ? [length] : [length, 2];
  const tokens = input({ shape, dtype: 'int32', name: 'tokens' });
  const ids = plan.input === 'ids' ? tokens : column(build, tokens, 'ids', 'token_ids');
  const table = wordEmbeddings(build);
  let x = embeddings(build, table, tokens, ids);
  const mask = new PaddingMask({ name: 'attention_mask' }).apply(ids) as SymbolicTensor;
  for (let i = 0; i < plan.layers; i++) x = encoderLayer(build, `encoder/layer_${i}`, x, mask);
  const outputs =
    head === 'sequence'
      ? x
      : head === 'language-model'
        ? languageModel(build, table, x)
        : pooledHead(build, x);
  return model({ name: plan.name, inputs: tokens, outputs });
}

interface Build {
  readonly plan: BertPlan;
  readonly seeds: LayerSeeds;
}

function wordEmbeddings({ plan, seeds }: Build): Layer {
  const name = 'embeddings/word_embeddings';
  const { vocabulary: inputDim, hidden: outputDim } = plan;
  if (plan.wordEmbeddings) {
    const sizes = { vocabulary: inputDim, hidden: outputDim };
    return plan.wordEmbeddings({ ...sizes, name, deviation: DEVIATION, seed: seeds(name) });
  }
  if (plan.head === 'language-model') {
    return new TiedEmbedding({ name, inputDim, outputDim, deviation: DEVIATION, seed: seeds(name) });
  }
  return layers.embedding({ name, inputDim, outputDim, embeddingsInitializer: normal(seeds(name)) });
}

function embeddings(build: Build, table: Layer, tokens: SymbolicTensor, ids: SymbolicTensor): SymbolicTensor {
  const { plan, seeds } = build;
  const typeName = 'embeddings/token_type_embeddings';
  const types = layers.embedding({
    name: typeName,
    inputDim: plan.tokenTypes,
    outputDim: plan.hidden,
    embeddingsInitializer: normal(seeds(typeName)),
  });
  const positionName = 'embeddings/position_embeddings';
  const positions = new PositionEmbedding({
    name: positionName,
    positions: plan.positions,
    deviation: DEVIATION,
    seed: seeds(positionName),
  });
  const words = table.apply(ids) as SymbolicTensor; // [length, hidden]
  if (words.shape.at(-1) !== plan.hidden) {
    throw new ArgumentError(
      `bert: wordEmbeddings must give vectors of hidden = ${plan.hidden}, got [${words.shape.join(', ')}].`,
    );
  }
  const kinds = types.apply(column(build, tokens, 'types', 'token_type_ids')) as SymbolicTensor;
  const sum = positions.apply(sumOf('embeddings/add', words, kinds)) as SymbolicTensor;
  return dropout(layerNorm(sum, 'embeddings/LayerNorm'), 'embeddings/dropout', plan.dropout);
}

/** Attention and feed-forward, each added to its input and normalised: LayerNorm(x + F(x)). */
function encoderLayer(build: Build, name: string, x: SymbolicTensor, mask: SymbolicTensor): SymbolicTensor {
  const { hidden, heads, intermediate, activation, ...plan } = build.plan;
  const self = `${name}/attention/self`;
  const [q, k, v] = ['query', 'key', 'value'].map((part) => dense(build, x, `${self}/${part}`, hidden)) as [
    SymbolicTensor,
    SymbolicTensor,
    SymbolicTensor,
  ];
  const probabilities = new AttentionProbabilities({ name: `${self}/probabilities`, heads });
  const attended = dropout(
    probabilities.apply([q, k, mask]) as SymbolicTensor,
    `${self}/dropout`,
    plan.attentionDropout,
  ); // [heads, length, length]
  const context = new AttentionContext({ name: `${self}/context`, heads });
  let f = dense(
    build,
    context.apply([attended, v]) as SymbolicTensor,
    `${name}/attention/output/dense`,
    hidden,
  );
  const normalised = addAndNorm(
    x,
    dropout(f, `${name}/attention/output/dropout`, plan.dropout),
    `${name}/attention/output`,
  );
  const gelu = activation === 'gelu' ? 'gelu' : GELU_NEW;
  f = dense(build, normalised, `${name}/intermediate/dense`, intermediate, gelu);
  f = dropout(dense(build, f, `${name}/output/dense`, hidden), `${name}/output/dropout`, plan.dropout);
  return addAndNorm(normalised, f, `${name}/output`);
}

function pooledHead(build: Build, x: SymbolicTensor): SymbolicTensor {
  const { plan } = build;
  const first = new FirstToken({ name: 'pooler/first_token' }).apply(x) as SymbolicTensor;
  const pooled = dense(build, first, 'pooler/dense', plan.hidden, 'tanh');
  if (plan.head === 'pooled') return pooled;
  const kept = dropout(pooled, 'dropout', plan.dropout);
  if (plan.head === 'regression') return dense(build, kept, 'classifier', 1);
  return dense(build, kept, 'classifier', plan.classes, plan.output === 'softmax' ? 'softmax' : 'linear');
}

function languageModel(build: Build, table: Layer, x: SymbolicTensor): SymbolicTensor {
  const { hidden, activation, output } = build.plan;
  const gelu = activation === 'gelu' ? 'gelu' : GELU_NEW;
  const transformed = layerNorm(
    dense(build, x, 'cls/predictions/transform/dense', hidden, gelu),
    'cls/predictions/transform/LayerNorm',
  );
  const scores = table.apply(transformed) as SymbolicTensor; // [length, vocabulary]
  const logits = new OutputBias({ name: 'cls/predictions' }).apply(scores) as SymbolicTensor;
  if (output === 'logits') return logits;
  return layers.softmax({ name: 'cls/softmax', axis: -1 }).apply(logits) as SymbolicTensor;
}

function column(
  { plan }: Build,
  tokens: SymbolicTensor,
  which: 'ids' | 'types',
  name: string,
): SymbolicTensor {
  return new TokenColumn({ name, column: which, tokens: plan.input }).apply(tokens) as SymbolicTensor;
}

function dense(
  { seeds }: Build,
  x: SymbolicTensor,
  name: string,
  units: number,
  activation: 'linear' | 'gelu' | typeof GELU_NEW | 'tanh' | 'softmax' = 'linear',
): SymbolicTensor {
  const layer = layers.dense({ name, units, activation, kernelInitializer: normal(seeds(name)) });
  return layer.apply(x) as SymbolicTensor;
}

function addAndNorm(x: SymbolicTensor, f: SymbolicTensor, name: string): SymbolicTensor {
  return layerNorm(sumOf(`${name}/add`, f, x), `${name}/LayerNorm`);
}

function sumOf(name: string, ...terms: SymbolicTensor[]): SymbolicTensor {
  return layers.add({ name }).apply(terms) as SymbolicTensor;
}

function layerNorm(x: SymbolicTensor, name: string): SymbolicTensor {
  return new LayerNorm({ name, epsilon: EPSILON }).apply(x) as SymbolicTensor;
}

function dropout(x: SymbolicTensor, name: string, rate: number): SymbolicTensor {
  return rate === 0 ? x : (layers.dropout({ name, rate }).apply(x) as SymbolicTensor);
}

function normal(seed: number): ReturnType<typeof initializers.truncatedNormal> {
  return initializers.truncatedNormal({ stddev: DEVIATION, seed });
}
