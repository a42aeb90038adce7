/**
 * LoRA-the-Explorer: a network trained from scratch by heads that each learn a low-rank change of it on a shard of the data, merged
 * every T steps, so that changes of any rank come about while what travels and what optimizers hold stays low-rank.
 *
 * Paper: section 2.2.2, Algorithm 1 (Huh et al. 2024). θ are the kernels, N heads, T merge iterations, s the merge scalar.
 * Deviations: heads initialise their factors before the first steps, not in their place; what is no kernel (biases) is trained by
 * each head and averaged, where the paper does not say; B is always reset, since a B that was merged would count twice.
 */
import { throwIfAborted, type Split } from '@ockham/core';
import { self, shareOf, type Communicator, type LedgerEntry } from '@ockham/core/comm';
import { countParameters } from '@ockham/core/metrics';
import { toRandom, type Random } from '@ockham/core/random';
import { meanGradients, refuseUnseededNoise, restoreWeights, saveWeights } from '@ockham/core/training';
import {
  add,
  dispose,
  matMul,
  mul,
  reshape,
  tensor2d,
  tidy,
  zerosLike,
  type NamedTensorMap,
} from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { applyLora } from '../lora/index.ts';
import { loraOf } from '../lora/lora-state.ts';
import { drawFactor, gradientFactor } from './factor.ts';
import { makeHead } from './head.ts';
import { assign, headWeightsOf, messageOf, read, type HeadWeights, type Message } from './head-weights.ts';
import { checkSameStep, restoreHeads, restoreModel, saveLte } from './lte-snapshot.ts';
import { settingsOf, type LteOptions, type LteRecord, type LteSettings } from './options.ts';
import { plainKernel, quantisedKernel, type MainKernel } from './quantised-kernel.ts';

/** What {@link lte} resolves to, at every rank. */
export interface LteResult {
  /** One record for each merge. */
  readonly history: readonly LteRecord[];
  /** Of each head. */
  readonly steps: number;
  /** Parameters of one head, and of the whole model. */
  readonly parameters: { readonly head: number; readonly model: number };
  /** Of this rank, by the communicator's ledger, the first copy of the weights included. */
  readonly bytes: Pick<LedgerEntry, 'sent' | 'received'>;
  /** Bytes of the adapted kernels as heads compute with them: 1 a value and 4 a column where quantised, else 4 a value. */
  readonly kernelBytes: number;
}

/**
 * Trains a model in place by N low-rank heads.
 *
 * With a communicator of more than one rank, every rank calls it with a model of the same topology and the same arguments; rank 0's
 * weights count. On one engine the result has the same bits whatever the number of ranks. No tensor is leaked.
 *
 * @param model Changed in place. One input, one output, no trainable batch normalisation.
 * @param data The whole set, at every rank; heads find their shards in it.
 * @throws ArgumentError for options out of range, ranks beyond min(m, n) of a layer, shards below a batch, more ranks than heads;
 *   UnsupportedModelError; NonFiniteError where a loss is no longer a number; AbortedError; DataError for checkpoints of another
 *   run. The weights then are those of the last merge.
 *
 * @example
 * await lte(model, data.train, { heads: 4, rank: 8, mergeEvery: 10, epochs: 5, seed: 7 });
 */
export async function lte(model: LayersModel, data: Split, options: LteOptions): Promise<LteResult> {
  const { optimizer, learningRate, seed = 0, transport = 'self' } = options;
  const { onMerge, progress, signal, checkpoint } = options;
  const comm = transport === 'self' ? self() : transport;
  const settings = settingsOf(model, data, options, comm.size);
  refuseUnseededNoise('lte', model);
  throwIfAborted(signal, 'lte');
  const before = comm.ledger.total();
  const random = toRandom(seed).stream('lte');
  const identity = identityOf(data, settings, options, random, comm);
  const earlier = await checkpoint?.read();
  const position = earlier && restoreModel(identity, model, earlier);
  const adapted = adapt(model, settings, options);
  const weights = headWeightsOf(model, adapted, settings.others);
  const message = messageOf(weights, settings.trainA || settings.factor === 'gradient');
  const [first, last] = shareOf(settings.heads, comm.rank, comm.size);
  const heads = Array.from({ length: last - first }, (_, i) =>
    makeHead(first + i, { adapted, weights, data, settings, optimizer, learningRate, random }),
  );
  const kernels = weights.sites.map(({ kernel }) =>
    settings.quantise ? quantisedKernel(kernel) : plainKernel(kernel),
  );
  const history: LteRecord[] = [...(position?.history ?? [])];
  let common: readonly Float32Array[] = [];
  try {
    if (checkpoint) await checkSameStep(comm, position?.step ?? 0);
    await copyFromFirst(comm, model, kernels);
    if (earlier) await restoreHeads(earlier, kernels, heads);
    for (const kernel of kernels) await kernel.show();
    const { total, T, scale } = settings;
    const all = new Float32Array(settings.heads * message.length);
    let A: (readonly Float32Array[])[] = [...(position?.A ?? [])];
    let merge = position?.merge ?? 0;
    for (let step = position?.step ?? 0; step < total; step += T) {
      const next = Math.min(step + T, total);
      common = await Promise.all(weights.others.map(async (variable) => (await read(variable)).slice()));
      if (settings.afterMerge === 'redraw') A = [];
      for (let n = 0; n < settings.heads; n++) {
        const own = heads[n - first];
        if (A[n] ?? (!own && message.a.length > 0)) continue;
        const draw = random.stream('A').stream(merge).stream(n);
        A[n] = await drawFactors(weights, settings, draw, () =>
          meanGradients(model, data, { indexes: own!.batch(step), loss: settings.loss }),
        );
      }
      for (const [i, head] of heads.entries()) {
        if (!checkpoint) throwIfAborted(signal, `lte (step ${step} of ${total})`);
        load(weights, A[first + i]!, common);
        const loss = await head.train(step, next);
        await write(weights, message, all.subarray((first + i) * message.length), loss / (next - step));
      }
      await comm.allGather(all.subarray(first * message.length, last * message.length), all);
      merge++;
      const messages = Array.from({ length: settings.heads }, (_, n) =>
        all.subarray(n * message.length, (n + 1) * message.length),
      );
      if (message.a.length > 0) {
        for (const [n, values] of messages.entries()) A[n] = message.a.map((place) => values.slice(...place));
      }
      mergeHeads(weights, kernels, message, messages, A, scale / settings.heads);
      for (const kernel of kernels) await kernel.show();
      for (const head of heads) head.restart(settings.afterMerge === 'redraw');
      const loss = messages.reduce((sum, values) => sum + values[message.loss[0]]!, 0) / messages.length;
      const record = { merge, steps: next, loss };
      history.push(record);
      await onMerge?.(record);
      progress?.({ stage: 'lte', done: next, total, metrics: { loss } });
      if (checkpoint && next < total && (signal?.aborted || merge % settings.snapshotEvery === 0)) {
        const kept = settings.afterMerge === 'keep' ? A : [];
        const now = { step: next, merge, history, A: kept };
        await checkpoint.write(await saveLte(identity, now, model, kernels, heads));
      }
      if (next < total) {
        common = []; // what is merged stays
        throwIfAborted(signal, `lte (step ${next} of ${total})`);
      }
      // lets the page, timers and signals breathe, which a virtual clock does not know
      if (comm.transport !== 'simulate') await new Promise((resolve) => setTimeout(resolve));
    }
  } catch (error) {
    for (const [i, values] of common.entries()) assign(weights.others[i]!, values);
    throw error;
  } finally {
    for (const kernel of kernels) kernel.end();
    for (const head of heads) head.dispose();
    adapted.dispose();
  }
  await checkpoint?.remove();
  const after = comm.ledger.total();
  const { parameters } = await countParameters(model);
  return {
    history,
    steps: settings.total,
    parameters: { head: headSize(weights, settings), model: parameters },
    bytes: { sent: after.sent - before.sent, received: after.received - before.received },
    kernelBytes: weights.sites.reduce(
      (sum, { kernel, outputs }) => sum + (settings.quantise ? kernel.size + 4 * outputs : 4 * kernel.size),
      0,
    ),
  };
}

/** Tells runs apart. */
function identityOf(
  data: Split,
  settings: LteSettings,
  { optimizer = 'adam' }: LteOptions,
  random: Random,
  comm: Communicator,
): string {
  const { snapshotEvery: _, rank, loss, ...numbers } = settings;
  const known = (value: unknown) => (typeof value === 'function' ? 'a function' : value);
  return JSON.stringify({
    ...numbers,
    rank: known(rank),
    loss: known(loss),
    optimizer,
    examples: data.size,
    ranks: comm.size,
    random: random.getState().key,
  });
}

/** The model with one adapter, which heads take turns in. */
function adapt(model: LayersModel, { rank, scale }: LteSettings, { targets }: LteOptions): LayersModel {
  const alpha = typeof rank === 'number' ? scale * rank : scale;
  const adapted = applyLora(model, { rank, alpha, ...(targets === undefined ? {} : { targets }) });
  for (const { lora } of loraOf('lte', adapted).sites) {
    lora.setStrength('default', scale / lora.adapters.get('default')!.scale);
  }
  return adapted;
}

/** Rank 0's weights, on every rank. */
async function copyFromFirst(
  comm: Communicator,
  model: LayersModel,
  kernels: readonly MainKernel[],
): Promise<void> {
  if (comm.size === 1) return;
  const snapshot = await saveWeights(model);
  for (const values of Object.values(snapshot.arrays)) await comm.broadcast(values);
  restoreWeights(model, snapshot, 'lte');
  for (const { refresh } of kernels) refresh();
}

/** A of a head, for every layer. */
async function drawFactors(
  { sites }: HeadWeights,
  { factor }: LteSettings,
  random: Random,
  gradientsOf: () => NamedTensorMap,
): Promise<Float32Array[]> {
  const gradients = factor === 'gradient' ? gradientsOf() : {};
  const drawn: Float32Array[] = [];
  for (const [i, { a, kernel, inputs }] of sites.entries()) {
    const r = a.shape.at(-1)!;
    const draw = random.stream(i); // by position, since TensorFlow.js numbers automatic layer names anew for every model
    const gradient = gradients[kernel.name]; // none where the layer is frozen
    drawn.push(
      gradient
        ? await gradientFactor(gradient, r, draw)
        : drawFactor(inputs, r, factor === 'gaussian' ? factor : 'orthogonal', draw),
    );
  }
  dispose(gradients);
  return drawn;
}

/** Puts a head where it starts from: its A, B = 0, and the other weights that all heads share. */
function load(
  { sites, others }: HeadWeights,
  A: readonly Float32Array[],
  common: readonly Float32Array[],
): void {
  for (const [i, { a, b }] of sites.entries()) {
    assign(a, A[i]!);
    tidy(() => b.assign(zerosLike(b)));
  }
  for (const [i, variable] of others.entries()) assign(variable, common[i]!);
}

/** Writes what a head has learned into its message. */
async function write(
  { sites, others }: HeadWeights,
  message: Message,
  into: Float32Array,
  loss: number,
): Promise<void> {
  for (const [i, { a, b }] of sites.entries()) {
    into.set(await read(b), message.b[i]![0]);
    if (message.a.length > 0) into.set(await read(a), message.a[i]![0]);
  }
  for (const [i, variable] of others.entries()) into.set(await read(variable), message.others[i]![0]);
  into[message.loss[0]] = loss;
}

/** W ← W + s/N Σ AₙBₙ, head after head, so that bits do not depend on the ranks; the other weights become their mean. */
function mergeHeads(
  { sites, others }: HeadWeights,
  kernels: readonly MainKernel[],
  message: Message,
  messages: readonly Float32Array[],
  A: readonly (readonly Float32Array[])[],
  scale: number,
): void {
  for (const [i, { a, inputs, outputs }] of sites.entries()) {
    const r = a.shape.at(-1)!;
    const { precise } = kernels[i]!;
    for (const [n, values] of messages.entries()) {
      tidy(() => {
        const product = matMul(
          tensor2d(A[n]![i]!, [inputs, r]),
          tensor2d(values.slice(...message.b[i]!), [r, outputs]),
        );
        precise.assign(add(precise, reshape(mul(product, scale), precise.shape)));
      });
    }
  }
  for (const [i, variable] of others.entries()) {
    const mean = new Float32Array(variable.size);
    const [begin] = message.others[i]!;
    for (let j = 0; j < mean.length; j++) {
      let sum = 0;
      for (const values of messages) sum += values[begin + j]!;
      mean[j] = sum / messages.length;
    }
    assign(variable, mean);
  }
}

function headSize({ sites, others }: HeadWeights, { trainA }: LteSettings): number {
  const factors = sites.reduce((sum, { a, b }) => sum + b.size + (trainA ? a.size : 0), 0);
  return others.reduce((sum, { size }) => sum + size, factors);
}
