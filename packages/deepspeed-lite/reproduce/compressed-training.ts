import { throwIfAborted, type Split } from '@ockham/core';
import { shareOf, simulate } from '@ockham/core/comm';
import { toRandom } from '@ockham/core/random';
import { meanGradients, trainableVariables } from '@ockham/core/training';
import {
  compressedState,
  flatLayout,
  gatherCompressedState,
  restoreCompressedState,
  type CompressedOptimizer,
  type FlatOptimizer,
  type SavedCompressedState,
} from '@ockham/deepspeed-lite';
import { tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** Options of {@link trainOnRanks}. */
export interface TrainOnRanksOptions {
  readonly ranks: number;
  /** The last step, from 1. */
  readonly steps: number;
  /** Examples of one step on all ranks together. */
  readonly batchSize: number;
  readonly learningRate: (step: number) => number;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
  /** Goes on from here. */
  readonly from?: Saved;
  /** Steps at which parameters and state are saved on the way. */
  readonly saveAt?: readonly number[];
}

/** A run at one of its steps. */
export interface Saved {
  readonly step: number;
  /** Those of rank 0. */
  readonly parameters: Float32Array;
  readonly state: SavedCompressedState;
}

/** What came of it. */
export interface TrainedOnRanks {
  readonly saved: readonly Saved[];
  /** Bytes that rank 0 sent in each step. */
  readonly sent: readonly number[];
}

/** An ordinary optimizer behind an all-reduce in float32: what compression is measured against. */
export function allReduced(optimizer: FlatOptimizer): CompressedOptimizer {
  return {
    name: optimizer.name,
    slots: Object.fromEntries(optimizer.slots.map((slot) => [slot, 'replicated' as const])),
    async step(slice, gradients, { comm, step, learningRate }) {
      await comm.allReduce(gradients, 'mean');
      await optimizer.step(slice, gradients, {
        step,
        learningRate,
        sumOverSlices: (sums) => Promise.resolve(sums),
      });
    },
  };
}

/**
 * Data-parallel training on simulated ranks, each with its part of every batch. The model is that of all ranks, one after the other,
 * and ends with the parameters that they agree on.
 */
export async function trainOnRanks(
  model: LayersModel,
  optimizer: CompressedOptimizer,
  data: Split,
  options: TrainOnRanksOptions,
): Promise<TrainedOnRanks> {
  const { ranks, steps, batchSize, learningRate, seed, signal, progress, from, saveAt = [] } = options;
  const variables = trainableVariables(model);
  const layout = flatLayout(variables, ranks);
  const random = toRandom(seed).stream('batches');
  const perEpoch = Math.floor(data.size / batchSize);
  const orders = new Map<number, Int32Array>();
  const orderOf = (epoch: number): Int32Array => {
    const order = orders.get(epoch) ?? random.stream(epoch).permutation(data.size);
    orders.clear();
    orders.set(epoch, order);
    return order;
  };
  const load = (parameters: Float32Array): void =>
    tidy(() => {
      for (const [i, { offset, size, shape }] of layout.entries.entries())
        variables[i]!.assign(tensor(parameters.slice(offset, offset + size), [...shape]));
    });
  const start = new Float32Array(layout.padded);
  if (from) start.set(from.parameters);
  else for (const [i, { offset }] of layout.entries.entries()) start.set(await variables[i]!.data(), offset);

  const { results } = await simulate(ranks, async ({ comm }) => {
    const state = from
      ? restoreCompressedState(optimizer, from.state, layout, comm)
      : compressedState(optimizer, layout, comm);
    const slice = { parameters: start.slice(), state, begin: 0, end: layout.padded, layout };
    const first = (from?.step ?? 0) + 1;
    if (from) optimizer.restore?.(slice, from.step);
    const sent: number[] = [];
    const saved: Saved[] = [];
    const [begin, end] = shareOf(batchSize, comm.rank, comm.size);
    const gradient = new Float32Array(layout.padded);
    for (let step = first; step <= steps; step++) {
      throwIfAborted(signal, 'trainOnRanks');
      const order = orderOf(Math.floor((step - 1) / perEpoch));
      const at = ((step - 1) % perEpoch) * batchSize;
      load(slice.parameters);
      const gradients = meanGradients(model, data, { indexes: order.slice(at + begin, at + end) });
      gradient.fill(0);
      for (const [i, { offset }] of layout.entries.entries()) {
        const of = gradients[variables[i]!.name]!;
        gradient.set(of.dataSync(), offset);
        of.dispose();
      }
      const before = comm.ledger.total().sent;
      await optimizer.step(slice, gradient, { comm, step, learningRate: learningRate(step) });
      sent.push(comm.ledger.total().sent - before);
      if (saveAt.includes(step))
        saved.push({
          step,
          parameters: slice.parameters.slice(),
          state: await gatherCompressedState(optimizer, state, layout, comm),
        });
      if (comm.rank === 0 && step % 10 === 0) progress(step, steps);
    }
    await optimizer.synchronise?.(slice, { comm, step: steps });
    return { saved, sent, parameters: slice.parameters };
  });
  const { saved, sent, parameters } = results[0]!;
  load(parameters);
  return { saved, sent };
}
