/** Between what a rank holds and a checkpoint. */
import { DataError, OckhamError } from '@ockham/core';
import type { Variable } from '@tensorflow/tfjs-core';
import { communicates } from '../engine/config.ts';
import type { LossScaling } from '../engine/loss-scaling.ts';
import type { EnginePosition, RankState } from '../engine/rank-state.ts';
import { gatherCompressedState, restoreCompressedState } from '../optimizers/compressed-state.ts';
import { compressedFromWhole, compressedToWhole } from '../mesh/compressed-whole.ts';
import { sendCopies } from '../mesh/copies.ts';
import { eachWhole, fromWhole, partOf } from '../mesh/reshape-flat.ts';
import { takePart } from '../mesh/whole-parts.ts';
import { wholeState } from '../mesh/whole-model.ts';
import { shareOfRank } from '../zero/flat-layout.ts';
import { fillVariable } from '../zero/flat-variables.ts';
import { readCheckpoint, writeCheckpoint, type CheckpointMeta, type CheckpointStores } from './checkpoint.ts';

/** See {@link Engine.save}. */
export async function saveRank(rank: RankState, stores: CheckpointStores): Promise<void> {
  const { plan, program, data, mesh, whole, parallel } = rank.parts;
  await rank.synchronise();
  await rank.fetch();
  const arrays: Record<string, Float32Array> = { parameters: await share(rank, await rank.parameters()) };
  let common: Record<string, Float32Array> = {};
  let compressedRanks = 0;
  if (communicates(plan.optimizer)) {
    const saved = await gatherCompressedState(plan.optimizer, rank.state, rank.parts.layout, data);
    compressedRanks = saved.ranks;
    const all = parallel ? await compressedToWhole(rank, plan.optimizer, saved) : saved.arrays;
    common = Object.fromEntries(Object.entries(all).map(([slot, values]) => [`compressed/${slot}`, values]));
  } else
    for (const [slot, values] of Object.entries(rank.state))
      arrays[`optimizer/${slot}`] = await share(rank, values);
  if (rank.parts.store) rank.state = {};
  const state = parallel ? await wholeState(rank) : await Promise.all(program.state.map(valuesOf));
  for (const [i, values] of state.entries()) common[`state/${i}`] = values;
  await writeCheckpoint(stores, mesh.world, whole.layout, arrays, common, {
    optimizer: plan.optimizer.name,
    globalBatch: plan.globalBatch,
    position: { ...rank.position },
    run: {
      key: rank.random.getState().key,
      compressedRanks,
      ...(rank.scaling && { scaling: { ...rank.scaling } }),
    },
  });
}

/** See {@link Engine.load}. */
export async function loadRank(rank: RankState, stores: CheckpointStores): Promise<void> {
  try {
    await takeUp(rank, stores);
  } catch (cause) {
    if (cause instanceof OckhamError) throw cause;
    throw new DataError(
      'corrupt-file',
      `load: the checkpoint does not hold what it says (${(cause as Error).message}): it was altered. Restore it from a copy.`,
      { cause },
    );
  }
}

async function takeUp(rank: RankState, stores: CheckpointStores): Promise<void> {
  const { plan, program, whole, layout, data, mesh, parallel } = rank.parts;
  const { begin, end } = rank.own;
  const all = { begin: 0, end: whole.layout.padded };
  const { meta, common, read } = await readCheckpoint(stores, mesh.world, whole.layout, [
    plan.zero === 3 && !parallel ? rank.own : all,
  ]);
  const own = (name: string): Float32Array =>
    parallel
      ? fromWhole(rank, rank.own, (entry) => {
          const { offset, size } = whole.layout.entries[entry]!;
          return read(name, { begin: offset, end: offset + size });
        })
      : read(name, rank.own);
  const key = rank.random.getState().key.join();
  const examples = meta.position['fitted']! * meta.globalBatch;
  checkRun(meta);
  const { scaling, compressedRanks, ...run } = meta.run as {
    key: number[];
    scaling?: LossScaling;
    compressedRanks: number;
  };
  if (meta.optimizer !== plan.optimizer.name || run.key.join() !== key || examples % plan.globalBatch !== 0)
    throw new DataError(
      'checkpoint-mismatch',
      `load: the checkpoint is of a run with the optimizer ${meta.optimizer}, a global batch of ${meta.globalBatch} and ${run.key.join() === key ? 'this' : 'another'} seed, this one has ${plan.optimizer.name} and ${plan.globalBatch}. Use the same, and a global batch that divides the ${examples} examples that were seen.`,
    );
  const parameters = own('parameters');
  if (communicates(plan.optimizer)) {
    const arrays = Object.fromEntries(Object.keys(plan.optimizer.slots).map((slot) => [slot, common[`compressed/${slot}`]!])); // prettier-ignore
    const saved = { ranks: compressedRanks, arrays };
    const here = parallel ? { ...saved, arrays: compressedFromWhole(rank, plan.optimizer, saved) } : saved;
    rank.state = restoreCompressedState(plan.optimizer, here, layout, data);
    plan.optimizer.restore?.({ parameters, state: rank.state, begin, end, layout }, meta.position['made']!);
  } else
    rank.state = Object.fromEntries(plan.optimizer.slots.map((slot) => [slot, own(`optimizer/${slot}`)]));
  rank.share?.set(parameters);
  if (plan.zero < 3) await rank.write(parameters);
  await sendCopies(rank);
  if (rank.parts.store) await rank.putAway();
  for (const variable of program.state) {
    const part = partOf(rank.parts, variable);
    fillVariable(variable, takePart(part, common[`state/${whole.program.state.indexOf(part.whole)}`]!));
  }
  if (scaling && rank.scaling) rank.scaling = scaling;
  const { updates, made } = meta.position as unknown as EnginePosition;
  rank.position = { updates, made, fitted: examples / plan.globalBatch };
}

function checkRun({ run, position }: CheckpointMeta): void {
  const { key, scaling, compressedRanks } = run;
  const count = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= 0;
  const { scale, window, good } = (scaling ?? {}) as Partial<LossScaling>;
  const sound =
    Array.isArray(key) &&
    count(compressedRanks) &&
    ['fitted', 'updates', 'made'].every((name) => count(position[name])) &&
    (scaling === undefined || (scale! > 0 && scale! < Infinity && count(window) && count(good)));
  if (!sound) throw new TypeError('its key, position or loss scaling is none');
}

/** This rank's share of a whole flat array, of which it holds the values of its own part. Collective over all ranks. */
async function share(rank: RankState, values: Float32Array): Promise<Float32Array> {
  const { plan, whole, mesh, parallel } = rank.parts;
  const [begin, end] = shareOfRank(whole.layout, mesh.world.rank);
  if (!parallel) {
    const skip = plan.zero === 0 ? begin : 0;
    return values.slice(skip, skip + end - begin);
  }
  const part = new Float32Array(end - begin);
  await eachWhole(rank, values, (entry, tensor) => {
    const { offset, size } = whole.layout.entries[entry]!;
    const [from, to] = [Math.max(begin, offset), Math.min(end, offset + size)];
    if (from < to) part.set(tensor.subarray(from - offset, to - offset), from - begin);
  });
  return part;
}

async function valuesOf(variable: Variable): Promise<Float32Array> {
  return (await variable.data<'float32'>()).slice();
}
