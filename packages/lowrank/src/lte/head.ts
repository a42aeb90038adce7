import { NonFiniteError, type Split } from '@ockham/core';
import { shareOf } from '@ockham/core/comm';
import type { Random } from '@ockham/core/random';
import {
  loadOptimizer,
  lossFunction,
  saveOptimizer,
  setLearningRate,
  toOptimizer,
  trainStep,
  type OptimizerSpec,
  type Snapshot,
} from '@ockham/core/training';
import type { NamedTensorMap, Optimizer } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { HeadWeights } from './head-weights.ts';
import type { LteSettings } from './options.ts';

/** The optimizers of one head, apart because they start anew at different times. */
interface Optimizers {
  b: Optimizer;
  a: Optimizer;
  readonly others: Optimizer;
}

/** One worker of Algorithm 1. */
export interface Head {
  /** Takes steps `from` … `to − 1` in the variables as they are; the sum of the losses. */
  train(from: number, to: number): Promise<number>;
  /** The examples of a step. */
  batch(step: number): Int32Array;
  /** After a merge: B's optimizer starts anew, and A's where A was drawn anew. */
  restart(withA: boolean): void;
  /** After a merge and its restart: the optimizers that go on, A's among them or not. */
  save(withA: boolean): Promise<Snapshot>;
  restore(snapshot: Snapshot): Promise<void>;
  dispose(): void;
}

/** What heads train with. */
export interface HeadInputs {
  readonly adapted: LayersModel;
  readonly weights: HeadWeights;
  readonly data: Split;
  readonly settings: LteSettings;
  readonly optimizer: OptimizerSpec | OptimizerSpec['name'] | undefined;
  readonly learningRate: ((step: number, total: number) => number) | undefined;
  readonly random: Random;
}

/** Head `index`, with its shard. */
export function makeHead(index: number, inputs: HeadInputs): Head {
  const { adapted, weights, data, settings, learningRate } = inputs;
  const { batchSize, total, trainA, heads } = settings;
  const make = (): Optimizer => toOptimizer(inputs.optimizer).optimizer;
  const optimizers: Optimizers = { b: make(), a: make(), others: make() };
  const bNames = weights.sites.map(({ b }) => b.name);
  const aNames = trainA ? weights.sites.map(({ a }) => a.name) : [];
  const otherNames = weights.others.map(({ name }) => name);
  const variables = [...weights.sites.flatMap(({ a, b }) => (trainA ? [b, a] : [b])), ...weights.others];
  const split = {
    applyGradients(gradients: NamedTensorMap | { name: string; tensor: NamedTensorMap[string] }[]) {
      for (const [optimizer, names] of [
        [optimizers.b, bNames],
        [optimizers.a, aNames],
        [optimizers.others, otherNames],
      ] as const) {
        if (names.length === 0) continue;
        const own = names.map((name) => [name, (gradients as NamedTensorMap)[name]!] as const);
        optimizer.applyGradients(Object.fromEntries(own));
      }
    },
  };
  const random = inputs.random.stream('head').stream(index);
  const shuffled = inputs.random.stream('shards').permutation(data.size);
  const shard = shuffled.subarray(...shareOf(data.size, index, heads));
  const perEpoch = Math.floor(Math.floor(data.size / heads) / batchSize); // the same for all heads
  const loss = lossFunction(settings.loss);
  let order: Int32Array = new Int32Array();
  let orderOf = -1; // the epoch whose order it is
  const batch = (step: number): Int32Array => {
    const epoch = Math.floor(step / perEpoch);
    if (epoch !== orderOf) order = random.stream('order').stream(epoch).permutation(shard.length);
    orderOf = epoch;
    const begin = (step % perEpoch) * batchSize;
    return order.subarray(begin, begin + batchSize).map((i) => shard[i]!);
  };
  return {
    batch,
    async train(from, to) {
      let sum = 0;
      for (let step = from; step < to; step++) {
        if (learningRate) {
          const rate = learningRate(step, total);
          for (const optimizer of Object.values(optimizers)) setLearningRate(optimizer as Optimizer, rate);
        }
        const value = await trainStep(adapted, split, data, batch(step), { loss, random, step, variables });
        if (!Number.isFinite(value)) {
          throw new NonFiniteError(
            `lte: the loss of head ${index} became ${value} at step ${step + 1} of ${total}. Lower the learning rate or scale, or check the inputs' range.`,
          );
        }
        sum += value;
      }
      return sum;
    },
    restart(withA) {
      optimizers.b.dispose();
      optimizers.b = make();
      if (!withA) return;
      optimizers.a.dispose();
      optimizers.a = make();
    },
    async save(withA) {
      const meta: Record<string, unknown> = {};
      const arrays: Record<string, Snapshot['arrays'][string]> = {};
      for (const name of withA ? (['others', 'a'] as const) : (['others'] as const)) {
        const saved = await saveOptimizer(optimizers[name]);
        meta[name] = saved.meta;
        for (const [slot, values] of Object.entries(saved.arrays)) arrays[`${name}/${slot}`] = values;
      }
      return { meta, arrays };
    },
    async restore({ meta, arrays }) {
      for (const [name, own] of Object.entries(meta)) {
        const slots = Object.entries(arrays).filter(([slot]) => slot.startsWith(`${name}/`));
        await loadOptimizer(optimizers[name as 'others' | 'a'], {
          meta: own as Snapshot['meta'],
          arrays: Object.fromEntries(slots.map(([slot, values]) => [slot.slice(name.length + 1), values])),
        });
      }
    },
    dispose() {
      for (const optimizer of Object.values(optimizers)) (optimizer as Optimizer).dispose();
    },
  };
}
