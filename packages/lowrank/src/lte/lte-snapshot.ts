/** Where a run of LoRA-the-Explorer stands between two merges, as plain data. */
import { DataError } from '@ockham/core';
import type { Communicator } from '@ockham/core/comm';
import { restoreWeights, saveWeights, type Snapshot } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Head } from './head.ts';
import { assign, read } from './head-weights.ts';
import type { LteRecord } from './options.ts';
import type { MainKernel } from './quantised-kernel.ts';

/** What a run goes on with after a merge. */
export interface LtePosition {
  readonly step: number;
  readonly merge: number;
  readonly history: readonly LteRecord[];
  /** A of every head and layer; empty where another is drawn. */
  readonly A: readonly (readonly Float32Array[])[];
}

/** Everything of one rank. */
export async function saveLte(
  identity: string,
  position: LtePosition,
  model: LayersModel,
  kernels: readonly MainKernel[],
  heads: readonly Head[],
): Promise<Snapshot> {
  const { step, merge, history, A } = position;
  const weights = await saveWeights(model);
  const arrays: Record<string, Snapshot['arrays'][string]> = { ...weights.arrays };
  for (const [i, { precise }] of kernels.entries()) arrays[`kernel/${i}`] = (await read(precise)).slice();
  for (const [n, factors] of A.entries()) {
    for (const [i, values] of factors.entries()) arrays[`A/${n}/${i}`] = values.slice();
  }
  const optimizers: Snapshot['meta'][] = [];
  for (const [i, head] of heads.entries()) {
    const saved = await head.save(A.length > 0);
    optimizers.push(saved.meta);
    for (const [name, values] of Object.entries(saved.arrays)) arrays[`head/${i}/${name}`] = values;
  }
  const factors = A.map((of) => of.length);
  return {
    meta: { kind: 'ockham-lte', identity, step, merge, history, weights: weights.meta, factors, optimizers },
    arrays,
  };
}

/**
 * Puts the model's weights back.
 *
 * @throws DataError for the snapshot of another run.
 */
export function restoreModel(identity: string, model: LayersModel, { meta, arrays }: Snapshot): LtePosition {
  if (meta['kind'] !== 'ockham-lte' || meta['identity'] !== identity) {
    throw new DataError(
      'checkpoint-mismatch',
      `lte: the checkpoint is of another run (${String(meta['identity'] ?? meta['kind'])}), this one is ${identity}. Use the same data, options and ranks, or remove the checkpoint.`,
    );
  }
  restoreWeights(model, { meta: meta['weights'] as Snapshot['meta'], arrays }, 'lte');
  const factors = meta['factors'] as readonly number[];
  return {
    step: meta['step'] as number,
    merge: meta['merge'] as number,
    history: meta['history'] as readonly LteRecord[],
    A: factors.map((count, n) =>
      Array.from({ length: count }, (_, i) => (arrays[`A/${n}/${i}`] as Float32Array).slice()),
    ),
  };
}

/** Puts back what heads and the precise kernels hold, after {@link restoreModel}. */
export async function restoreHeads(
  { meta, arrays }: Snapshot,
  kernels: readonly MainKernel[],
  heads: readonly Head[],
): Promise<void> {
  for (const [i, { precise }] of kernels.entries()) assign(precise, arrays[`kernel/${i}`] as Float32Array);
  for (const [i, head] of heads.entries()) {
    const prefix = `head/${i}/`;
    const own = Object.entries(arrays).filter(([name]) => name.startsWith(prefix));
    await head.restore({
      meta: (meta['optimizers'] as readonly Snapshot['meta'][])[i]!,
      arrays: Object.fromEntries(own.map(([name, values]) => [name.slice(prefix.length), values])),
    });
  }
}

/** @throws DataError where ranks would go on from different merges. */
export async function checkSameStep(comm: Communicator, step: number): Promise<void> {
  if (comm.size === 1) return;
  const steps = new Float32Array(comm.size);
  await comm.allGather(Float32Array.of(step), steps);
  if (steps.every((other) => other === step)) return;
  throw new DataError(
    'checkpoint-mismatch',
    `lte: the ranks' checkpoints are of steps ${steps.join(', ')}: a run was killed between two of them. Remove them all, or put those of one step back.`,
  );
}
