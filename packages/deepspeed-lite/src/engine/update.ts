/** One update: micro-batches, reduction, optimizer. */
import { NonFiniteError, type Split } from '@ockham/core';
import { batchOf, lossFunction } from '@ockham/core/training';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import { explainOnMesh } from '../mesh/explain.ts';
import { sendCopies } from '../mesh/copies.ts';
import { partOf } from '../mesh/reshape-flat.ts';
import { runOnMesh } from '../mesh/run-mesh.ts';
import { sumOverParts } from '../mesh/split-norms.ts';
import { MicroBatch } from '../program/micro-batch.ts';
import type { RunMode } from '../program/run-block.ts';
import { gatherInputs, stowInputs } from '../program/split-inputs.ts';
import { readFlat } from '../zero/flat-variables.ts';
import { communicates } from './config.ts';
import { throwNonFinite } from './find-non-finite.ts';
import { afterStep } from './loss-scaling.ts';
import { averageWritten, buffersOf } from './moving-state.ts';
import type { RankState } from './rank-state.ts';

/**
 * Makes one update from the examples at `indexes`, a global batch. Collective.
 *
 * @returns The mean loss before it.
 */
export async function makeUpdate(
  rank: RankState,
  data: Split,
  indexes: Int32Array,
  total: number,
): Promise<number> {
  const { plan, program, control, gradients, parallel } = rank.parts;
  const { accumulation, microBatch, ranks } = plan;
  const { updates, made } = rank.position;
  const before = buffersOf(program.state);
  const part = (m: number): Int32Array => {
    const at = (rank.rank * accumulation + m) * microBatch;
    return indexes.subarray(at, at + microBatch);
  };
  const mode = (m: number): RunMode => ({
    training: true,
    random: rank.random,
    step: (updates * accumulation + m) * ranks + rank.rank,
  });
  const losses = parallel ? await runOnMesh(rank, data, part, mode) : await runInTurn(rank, data, part, mode);
  rank.checkpoints?.buffer.settle();
  const sum = await gradients.sum();
  const bad = divide(
    sum,
    accumulation * (communicates(plan.optimizer) ? 1 : ranks) * (rank.scaling?.scale ?? 1),
  );
  const all = await control.allGather(Float64Array.of(...losses, bad < 0 ? -1 : rank.own.begin + bad), new Float64Array(ranks * (accumulation + 1))); // prettier-ignore
  const [loss, lossAt, badHere] = judge(all, accumulation);
  const gradientAt = await firstBad(rank, badHere);
  const finite = lossAt < 0 && gradientAt < 0;
  if (!finite && !rank.scaling) {
    if (lossAt < 0) throw badGradient(rank, gradientAt);
    const [where, m] = [Math.floor(lossAt / accumulation), lossAt % accumulation];
    await explain(
      rank,
      where,
      loss,
      where === rank.rank ? { ...batchOf(data, part(m)), mode: mode(m) } : undefined,
    );
  }
  if (finite) await step(rank, sum, plan.learningRate(updates, total));
  await averageWritten(control, program.state, before);
  if (rank.scaling) rank.scaling = afterStep(rank.scaling, finite);
  rank.position = { ...rank.position, updates: updates + 1, made: made + (finite ? 1 : 0) };
  return loss;
}

/** The micro-batches one after the other, each through the whole model. */
async function runInTurn(
  rank: RankState,
  data: Split,
  part: (m: number) => Int32Array,
  mode: (m: number) => RunMode,
): Promise<Float64Array> {
  const { gradients, plan } = rank.parts;
  const losses = new Float64Array(plan.accumulation);
  for (const m of losses.keys()) {
    const { x, y } = batchOf(data, part(m));
    try {
      gradients.begin(m === 0, m === losses.length - 1);
      losses[m] = await runMicroBatch(rank, x, y, mode(m));
    } finally {
      dispose([x, y]);
    }
  }
  return losses;
}

/** The first entry of the whole model whose gradient is not finite on any rank, or −1. @param at In this stage's flat vector, or −1. */
async function firstBad({ parts }: RankState, at: number): Promise<number> {
  const { layout, program, whole, mesh, parallel } = parts;
  const entry = layout.entries.findLastIndex(({ offset }) => offset <= at);
  if (!parallel) return entry;
  const { length } = whole.program.variables;
  const own = entry < 0 ? length : whole.program.variables.indexOf(partOf(parts, program.variables[entry]!).whole); // prettier-ignore
  const first = await mesh.world.allReduce(Int32Array.of(own), 'min');
  return first[0]! < length ? first[0]! : -1;
}

/** Forward and backward of one micro-batch; its gradients go to the store block by block. */
async function runMicroBatch(rank: RankState, x: Tensor, y: Tensor, mode: RunMode): Promise<number> {
  const { plan, program, gradients } = rank.parts;
  const { zero, activationCheckpointing } = plan;
  const last = program.blocks.length - 1;
  const batch = new MicroBatch(program, [x], mode, {
    recompute: (i) => activationCheckpointing !== false && i < last,
    releaseVariables: zero === 3,
    scale: rank.scaling?.scale ?? 1,
    ...(rank.checkpoints && { split: rank.checkpoints }),
  });
  try {
    for (let i = 0; i <= last; i++) {
      await rank.bring(i, i + 1);
      batch.forward(i);
      await stowInputs(batch, i);
      rank.peak.note(batch.held(), rank.gathered(i));
      rank.takeAway(i);
    }
    const terms = batch.loss(y, lossFunction(plan.loss));
    rank.peak.note(batch.held(), 0);
    let loss = 0;
    for (const [i, term] of terms.entries()) {
      const [value] = await term.data();
      loss = i === 0 ? value! : Math.fround(loss + value!);
    }
    dispose([...terms]);
    for (let i = last; i >= 0; i--) {
      await rank.bring(i, i - 1);
      await gatherInputs(batch, i, rank.parts.mesh.tensor);
      const found = batch.backward(i);
      rank.peak.note(batch.held(), rank.gathered(i) + [...found.values()].reduce((sum, { size }) => sum + 4 * size, 0)); // prettier-ignore
      rank.takeAway(i);
      await gradients.add(rank.ranges[i]!, await rank.read(found));
    }
    return loss;
  } finally {
    batch.dispose();
  }
}

/** One update of this rank's part, and of the variables. */
async function step(rank: RankState, gradients: Float32Array, learningRate: number): Promise<void> {
  const { plan, program, layout, data, control, mesh, store } = rank.parts;
  const { begin, end } = rank.own;
  const parameters = rank.share ?? (await readFlat(layout, program.variables, begin, end));
  await rank.fetch();
  const slice = { parameters, state: rank.state, begin, end, layout };
  const number = rank.position.made + 1;
  const states = Object.values(rank.state).reduce((sum, { byteLength }) => sum + byteLength, 0);
  rank.peak.note(new Map(), (rank.share ? 0 : parameters.byteLength) + (store ? states : 0));
  if (communicates(plan.optimizer))
    await plan.optimizer.step(slice, gradients, { comm: data, step: number, learningRate });
  else {
    const sumOverSlices = async (partial: Float64Array): Promise<Float64Array> =>
      plan.zero === 0 ? partial : control.allReduce(partial);
    const split = program.variables.map((variable) => partOf(rank.parts, variable).axis !== undefined);
    await plan.optimizer.step(slice, gradients, {
      step: number,
      learningRate,
      sumOverSlices: sumOverParts(split, mesh.control.tensor, sumOverSlices),
    });
  }
  if (store) await rank.putAway();
  if (plan.zero < 3) await rank.write(parameters);
  await sendCopies(rank);
}

async function explain(
  rank: RankState,
  where: number,
  loss: number,
  batch: { x: Tensor; y: Tensor; mode: RunMode } | undefined,
): Promise<never> {
  const { control, program, parallel } = rank.parts;
  try {
    if (parallel) throw await explainOnMesh(rank, { rank: where, loss, ...(batch && { batch }) });
    return await throwNonFinite(
      'trainBatch',
      control,
      program,
      { rank: where, loss, ...(batch && { batch }) },
      {
        before: (i) => rank.bring(i, -1),
        after: (i) => rank.takeAway(i),
      },
    );
  } finally {
    if (batch) dispose([batch.x, batch.y]);
  }
}

function badGradient(rank: RankState, at: number): NonFiniteError {
  const entry = rank.parts.whole.layout.entries[at]!;
  return new NonFiniteError(
    `trainBatch: the loss is finite, but the gradient of ${entry.name} is not, summed over all ranks. The parameters are those before this update. Lower the learning rate, or set lossScaling.`,
  );
}

/** Divides in place; the first place that is not finite, or −1. */
function divide(values: Float32Array, by: number): number {
  let bad = -1;
  for (let i = 0; i < values.length; i++) {
    values[i] = values[i]! / by;
    if (bad < 0 && !Number.isFinite(values[i]!)) bad = i;
  }
  return bad;
}

/** The mean loss, or one that is not finite; where it is, by rank and micro-batch; where a gradient is not finite. −1 is nowhere. */
function judge(
  all: Float64Array,
  accumulation: number,
): readonly [loss: number, lossAt: number, gradientAt: number] {
  let [sum, count, gradientAt] = [0, 0, -1];
  for (let at = 0; at < all.length; at++) {
    const [rank, m] = [Math.floor(at / (accumulation + 1)), at % (accumulation + 1)];
    const value = all[at]!;
    if (m === accumulation) {
      if (value >= 0 && gradientAt < 0) gradientAt = value;
    } else if (!Number.isFinite(value)) return [value, rank * accumulation + m, gradientAt];
    else {
      sum += value;
      count += 1;
    }
  }
  return [sum / count, -1, gradientAt];
}
