/**
 * The same sharded arithmetic by one rank: it takes the parts of all ranks one after the other, differentiates the whole model at once
 * and adds in the order of the ranks. It shares no code with the engine but the optimizer and, for tensor ranks, the cutting of layers:
 * what `verify` compares with.
 */
import type { Split } from '@ockham/core';
import { toRandom } from '@ockham/core/random';
import {
  batchOf,
  lossFunction,
  lossGradients,
  withRegularisation,
  withSeededDropout,
} from '@ockham/core/training';
import { tidy, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { FlatOptimizer } from '../optimizers/flat-optimizer.ts';
import { cutModel } from '../program/cut-model.ts';
import { flatLayout } from '../zero/flat-layout.ts';
import { eachEntry, fillVariable, readFlat } from '../zero/flat-variables.ts';
import type { Plan } from './config.ts';
import { ShardedModel } from './sharded-model.ts';

/** What a sequence of updates gave. */
export interface Sequence {
  /** Mean losses before each update. */
  readonly losses: readonly number[];
  /** The flat vector in the end. */
  readonly parameters: Float32Array;
}

/** Options of {@link trainInSequence}. */
export interface SequenceOptions {
  readonly steps: number;
  /** Adds the ranks' sums from the last to the first: another rounding, to tell drift from error. Default false. */
  readonly reversed?: boolean;
  readonly onStep?: (step: number, loss: number) => void;
}

/** Trains a model, in place, as `plan.ranks` ranks would. */
export async function trainInSequence(
  model: LayersModel,
  plan: Plan,
  data: Split,
  { steps, reversed = false, onStep }: SequenceOptions,
): Promise<Sequence> {
  const { ranks, accumulation, microBatch, globalBatch, zero } = plan;
  const { variables: trained, state } = cutModel(model, { at: 'none' });
  const variables = [...trained];
  const layout = flatLayout(variables, 1);
  const optimizer = plan.optimizer as FlatOptimizer;
  const slots = Object.fromEntries(optimizer.slots.map((slot) => [slot, new Float32Array(layout.length)]));
  const random = toRandom(plan.seed).stream('train');
  const loss = lossFunction(plan.loss);
  const perEpoch = Math.floor(data.size / globalBatch);
  const inOrder = reversed ? [...Array(ranks).keys()].reverse() : [...Array(ranks).keys()];

  const sharded = plan.mesh.tensor > 1 ? new ShardedModel(model, plan.mesh.tensor) : undefined;
  const moving = sharded ? state.map((variable) => sharded.state.get(variable)!) : state;
  const models = sharded?.models ?? [model];
  const apply = (x: Tensor): Tensor => sharded?.apply(x) ?? (model.apply(x, { training: true }) as Tensor);
  const seeded = <T>(step: number, work: () => T): T =>
    models.reduce<() => T>((inner, each) => () => withSeededDropout(each, random, step, inner), work)();

  const gradient = async (indexes: Int32Array, step: number): Promise<readonly [number, Float32Array]> => {
    const flat = new Float32Array(layout.length);
    const { x, y } = batchOf(data, indexes);
    const wanted = sharded?.variables ?? variables;
    const { value, grads } = seeded(step, () =>
      lossGradients(() => withRegularisation(loss(y, apply(x)), models[0]!), wanted),
    );
    const placeOf = (variable: Variable): Float32Array => {
      const { offset, size } = layout.entries[variables.indexOf(variable)]!;
      return flat.subarray(offset, offset + size);
    };
    for (const variable of wanted) {
      const each = grads[variable.name];
      if (!each) continue;
      const values = await each.data<'float32'>();
      if (sharded) sharded.put(variable, values, placeOf);
      else placeOf(variable).set(values);
      each.dispose();
    }
    const [before] = await value.data();
    tidy(() => value.dispose());
    x.dispose();
    y.dispose();
    return [before!, flat];
  };

  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const epoch = Math.floor(step / perEpoch);
    const order = plan.shuffle
      ? random.stream('order').stream(epoch).permutation(data.size)
      : Int32Array.from({ length: data.size }, (_, i) => i);
    const from = (step % perEpoch) * globalBatch;
    const start = await valuesOf(moving);
    const ends: Float32Array[][] = [];
    const parts: Float32Array[][] = []; // [rank][micro-batch]
    let sumOfLosses = 0;
    for (let rank = 0; rank < ranks; rank++) {
      put(state, start);
      const own: Float32Array[] = [];
      parts[rank] = own;
      for (let m = 0; m < accumulation; m++) {
        const at = from + (rank * accumulation + m) * microBatch;
        const number = (step * accumulation + m) * ranks + rank;
        const [value, flat] = await gradient(order.subarray(at, at + microBatch), number);
        sumOfLosses += value;
        own.push(flat);
      }
      ends[rank] = await valuesOf(moving);
    }
    const micro = [...Array(accumulation).keys()];
    const sum =
      zero < 2
        ? addAll(inOrder.map((rank) => addAll(parts[rank]!)))
        : addAll(micro.map((m) => addAll(inOrder.map((rank) => parts[rank]![m]!))));
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! / (accumulation * ranks);
    const parameters = await readFlat(layout, variables, 0, layout.length);
    const slice = { parameters, state: slots, begin: 0, end: layout.length, layout };
    const learningRate = plan.learningRate(step, steps);
    await optimizer.step(slice, sum, {
      step: step + 1,
      learningRate,
      sumOverSlices: async (partial) => partial,
    });
    write(variables, parameters);
    put(state, start.map((values, i) => (ends.every((end) => same(end[i]!, values)) ? values : mean(ends.map((end) => end[i]!))))); // prettier-ignore
    losses.push(sumOfLosses / (accumulation * ranks));
    onStep?.(step, losses.at(-1)!);
  }
  put(state, await valuesOf(moving));
  sharded?.dispose();
  return { losses, parameters: await readFlat(layout, variables, 0, layout.length) };

  function write(into: readonly Variable[], values: Float32Array): void {
    eachEntry(layout, 0, layout.length, (_, i, begin, end) => {
      fillVariable(into[i]!, values.subarray(begin, end));
      sharded?.take(into[i]!, values.slice(begin, end));
    });
  }

  function put(into: readonly Variable[], values: readonly Float32Array[]): void {
    for (const [i, variable] of into.entries()) {
      fillVariable(variable, values[i]!);
      sharded?.take(variable, values[i]!);
    }
  }
}

async function valuesOf(variables: readonly Variable[]): Promise<Float32Array[]> {
  return Promise.all(variables.map(async (variable) => (await variable.data<'float32'>()).slice()));
}

/** ((x₀ + x₁) + x₂) + …, each sum rounded to float32. */
function addAll(arrays: readonly Float32Array[]): Float32Array {
  const sum = arrays[0]!.slice();
  for (const x of arrays.slice(1)) for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + x[i]!;
  return sum;
}

function mean(arrays: readonly Float32Array[]): Float32Array {
  return addAll(arrays).map((x) => x / arrays.length);
}

function same(a: Float32Array, b: Float32Array): boolean {
  return a.every((x, i) => Object.is(x, b[i]));
}
