/**
 * A BERT encoder pre-trained here by masked language modelling, kept in the cache under a key of its recipe and data.
 */
import { join } from 'node:path';
import {
  cast,
  div,
  gather,
  greaterEqual,
  logSumExp,
  matMul,
  maximum,
  mul,
  oneHot,
  range,
  reshape,
  slice,
  sub,
  sum,
  add,
  type Tensor,
  type Rank,
  type Tensor2D,
} from '@tensorflow/tfjs';
import type { Progress, Split } from '@ockham/core';
import { getBackend } from '@tensorflow/tfjs-core';
import { encodeCorpus, encodeTexts, maskTokens } from '@ockham/core/datasets';
import { sha256 } from '@ockham/core/files';
import { fileStore, ockhamCache } from '@ockham/core/files/node';
import { bert, type BertPreset } from '@ockham/core/models';
import { restoreWeights, saveWeights, train } from '@ockham/core/training';
import { whileLocked, type Texts } from '@ockham/reproduce';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** How the encoder is pre-trained. */
export interface Recipe {
  readonly preset: BertPreset;
  /** Tokens of an example. */
  readonly length: number;
  /** Examples to train on, at most; drawn by the order of the texts. */
  readonly examples: number;
  /** Passes, each with other words hidden. */
  readonly passes: number;
  readonly batchSize: number;
  readonly learningRate: number;
}

/** Change it with what the recipe's fields do not say. */
const VERSION = 1;
const SHARE = 0.15; // Devlin et al. 2018, section 3.1
const WARM_UP = 0.06;

/** The encoder alone, `[length, hidden]`, on ids and types. */
export function encoder({ preset, length }: Pick<Recipe, 'preset' | 'length'>): LayersModel {
  return bert({ preset, length, positions: 128, input: 'ids-and-types', head: 'sequence', seed: 0 });
}

/** The pre-trained encoder: from the cache, or made now and kept there, resumed where it was killed. */
export async function pretrained(
  recipe: Recipe,
  texts: Texts,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<LayersModel> {
  const model = encoder(recipe);
  const { checksums } = texts.provenance;
  const description = JSON.stringify({ VERSION, SHARE, WARM_UP, recipe, checksums, engine: getBackend() });
  const key = (await sha256(new TextEncoder().encode(description))).slice(0, 16);
  const path = join(ockhamCache(), 'models', `bert-${recipe.preset}-${key}`);
  const store = fileStore(`${path}.ockham`);
  const make = async (): Promise<void> => {
    if (await store.read()) return; // another process has made it meanwhile
    const { learningRate, batchSize } = recipe;
    await train(model, await maskedExamples(recipe, texts), {
      epochs: 1,
      batchSize,
      optimizer: 'adam',
      learningRate: (step, total) => learningRate * warmThenLinear(step, total),
      loss: tokenLoss(model),
      seed: 0,
      signal,
      progress: (event) => progress({ ...event, stage: 'pre-train' }),
      checkpoint: fileStore(`${path}.training.ockham`),
      snapshotEvery: 200,
    });
    await store.write(await saveWeights(model));
  };
  if (!(await store.read())) await whileLocked(`${path}.ockham`, signal, make);
  restoreWeights(model, (await store.read())!, 'pretrained');
  return model;
}

/** Up to 1 over the first steps, then down to 0. */
export function warmThenLinear(step: number, total: number): number {
  const warm = Math.ceil(WARM_UP * total);
  return step < warm ? (step + 1) / warm : (total - step) / (total - warm);
}

/** Copies the encoder's weights into a model that has the same layers and more. */
export function copyEncoder(from: LayersModel, to: LayersModel): void {
  for (const layer of from.layers)
    if (layer.weights.length > 0) to.getLayer(layer.name).setWeights(layer.getWeights());
}

/** How many words of an example are asked for, at most. */
function asked(length: number): number {
  return Math.ceil(0.25 * length);
}

/**
 * Running text in windows and pairs as pairs, hidden words, and as targets `[2, asked]` the places and the tokens there.
 * Training texts only, of every task.
 */
async function maskedExamples({ length, examples, passes }: Recipe, texts: Texts): Promise<Split> {
  const { tasks, corpora, tokenizer } = texts;
  const running = [
    ...corpora.flatMap(({ train, test }) => [train, test]), // both parts: no perplexity is reported
    ...Object.values(tasks).flatMap(({ train }) => (train.second ? [] : [train.first.join('\n')])),
  ];
  const enough = 8 * length * examples; // characters: a small recipe need not read all
  const columns: Int32Array[] = running.map((text) => {
    const { values } = encodeCorpus(tokenizer, text.slice(0, enough), { length });
    const withTypes = new Int32Array(2 * values.length);
    for (let i = 0; i < values.length; i++) withTypes[2 * i] = values[i]!;
    return withTypes;
  });
  for (const { train } of Object.values(tasks)) {
    const second = train.second?.slice(0, examples);
    if (!second) continue;
    const { values } = await encodeTexts(tokenizer, train.first.slice(0, examples), second, { length });
    columns.push(values);
  }
  const width = 2 * length;
  const all = new Int32Array(columns.reduce((total, { length: size }) => total + size, 0));
  let at = 0;
  for (const column of columns) {
    all.set(column, at);
    at += column.length;
  }
  const stride = Math.max(1, all.length / width / examples); // evenly from all texts
  const size = Math.min(examples, all.length / width);
  const chosen = new Int32Array(size * width);
  for (let row = 0; row < size; row++) {
    const from = Math.floor(row * stride) * width;
    chosen.set(all.subarray(from, from + width), row * width);
  }
  const x = new Int32Array(passes * chosen.length);
  const most = asked(length);
  const y = new Int32Array(passes * size * 2 * most).fill(-1);
  for (let pass = 0; pass < passes; pass++) {
    const masked = maskTokens({ values: chosen, shape: [length, 2] }, tokenizer, {
      share: SHARE,
      seed: pass,
    });
    x.set(masked.x.values, pass * chosen.length);
    for (let row = 0; row < size; row++) {
      let count = 0;
      const to = (pass * size + row) * 2 * most;
      for (let place = 0; place < length && count < most; place++) {
        const token = masked.y.values[row * length + place]!;
        if (token < 0) continue;
        y[to + count] = place;
        y[to + most + count++] = token;
      }
    }
  }
  return { size: passes * size, x: { values: x, shape: [length, 2] }, y: { values: y, shape: [2, most] } };
}

/** −log p of the hidden words, scored by the embedding table, at the places asked for alone: a sixth of the scores. */
function tokenLoss(model: LayersModel): (target: Tensor, hidden: Tensor) => Tensor {
  const table = () => model.getLayer('embeddings/word_embeddings').weights[0]!.read() as Tensor2D;
  return (target, hidden) => {
    const [batch, length, width] = hidden.shape as [number, number, number];
    const most = target.shape[2]!;
    const part = (i: number) =>
      cast(reshape(slice(target, [0, i, 0], [batch, 1, most]), [batch, most]), 'int32');
    const [places, tokens] = [part(0), reshape(part(1), [-1])];
    const rows = mul(reshape(range(0, batch, 1, 'int32'), [batch, 1]), length);
    const flat = reshape(add(maximum(places, 0), rows), [-1]); // [batch · most]
    const states = gather(reshape<Rank.R2>(hidden, [batch * length, width]), cast(flat, 'int32'));
    const scores = matMul(states, table(), false, true); // [batch · most, vocabulary]
    const right = sum(mul(cast(oneHot(tokens, scores.shape[1]!), 'float32'), scores), -1);
    const wanted = cast(greaterEqual(tokens, 0), 'float32');
    return div(sum(mul(sub(logSumExp(scores, -1), right), wanted)), maximum(sum(wanted), 1));
  };
}
