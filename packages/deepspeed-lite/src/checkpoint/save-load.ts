/** Between what a rank holds and a checkpoint. */
import { DataError } from '@ockham/core';
import { communicates } from '../engine/config.ts';
import type { LossScaling } from '../engine/loss-scaling.ts';
import type { EnginePosition, RankState } from '../engine/rank-state.ts';
import { gatherCompressedState, restoreCompressedState } from '../optimizers/compressed-state.ts';
import { shareOfRank } from '../zero/flat-layout.ts';
import { fillVariable, readFlat } from '../zero/flat-variables.ts';
import { readCheckpoint, writeCheckpoint, type CheckpointStores } from './checkpoint.ts';

/** See {@link Engine.save}. */
export async function saveRank(rank: RankState, stores: CheckpointStores): Promise<void> {
  const { plan, program, layout, data, control } = rank.parts;
  const [begin, end] = shareOfRank(layout, rank.rank);
  const skip = plan.zero === 0 ? begin : 0;
  const cut = (values: Float32Array): Float32Array => values.slice(skip, skip + end - begin);
  await rank.fetch();
  const parameters = rank.share ? cut(rank.share) : await readFlat(layout, program.variables, begin, end);
  const arrays: Record<string, Float32Array> = { parameters };
  const common: Record<string, Float32Array> = {};
  let compressedRanks = 0;
  if (communicates(plan.optimizer)) {
    const saved = await gatherCompressedState(plan.optimizer, rank.state, layout, data);
    compressedRanks = saved.ranks;
    for (const [slot, values] of Object.entries(saved.arrays)) common[`compressed/${slot}`] = values;
  } else for (const [slot, values] of Object.entries(rank.state)) arrays[`optimizer/${slot}`] = cut(values);
  if (rank.parts.store) rank.state = {};
  for (const [i, variable] of program.state.entries())
    common[`state/${i}`] = (await variable.data<'float32'>()).slice();
  await writeCheckpoint(stores, control, layout, arrays, common, {
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
  const { plan, program, layout, data, control } = rank.parts;
  const { begin, end } = rank.own;
  const whole = { begin: 0, end: layout.padded };
  const { meta, common, read } = await readCheckpoint(stores, control, layout, [
    plan.zero === 3 ? rank.own : whole,
  ]);
  const key = rank.random.getState().key.join();
  const examples = meta.position['fitted']! * meta.globalBatch;
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
  const parameters = read('parameters', rank.own);
  if (communicates(plan.optimizer)) {
    const arrays = Object.fromEntries(Object.keys(plan.optimizer.slots).map((slot) => [slot, common[`compressed/${slot}`]!])); // prettier-ignore
    rank.state = restoreCompressedState(plan.optimizer, { ranks: compressedRanks, arrays }, layout, data);
    plan.optimizer.restore?.({ parameters, state: rank.state, begin, end, layout }, meta.position['made']!);
  } else
    rank.state = Object.fromEntries(
      plan.optimizer.slots.map((slot) => [slot, read(`optimizer/${slot}`, rank.own)]),
    );
  rank.share?.set(parameters);
  if (plan.zero < 3) await rank.write(parameters);
  if (rank.parts.store) await rank.putAway();
  for (const [i, variable] of program.state.entries()) fillVariable(variable, common[`state/${i}`]!);
  if (scaling && rank.scaling) rank.scaling = scaling;
  const { updates, made } = meta.position as unknown as EnginePosition;
  rank.position = { updates, made, fitted: examples / plan.globalBatch };
}
