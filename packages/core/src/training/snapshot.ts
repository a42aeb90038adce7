import { tensor, type Optimizer } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { DataError } from '../errors.ts';
import { flatLayers, variableOf, type Layer } from './layers.ts';
import { checkArray, loadOptimizer, saveOptimizer } from './optimizer-state.ts';
import type { Snapshot } from './types.ts';

/** Where a training run stands: `step` of `total`, and what the current epoch has summed up so far. */
export interface Position {
  readonly step: number;
  readonly total: number;
  readonly epochLoss: number;
  readonly epochs: readonly { epoch: number; loss: number; steps: number }[];
}

/** All weights of a model, trainable or not, by position; nested models included. */
export function weightsOf(model: LayersModel): Layer['weights'] {
  return [...new Set(flatLayers(model).flatMap((layer) => layer.weights))];
}

/** Copies a model's weights to plain arrays, `weight/<index>`. */
export async function saveWeights(model: LayersModel): Promise<Snapshot> {
  const arrays: Record<string, Float32Array> = {};
  const shapes: number[][] = [];
  for (const [index, weight] of weightsOf(model).entries()) {
    const variable = variableOf(weight);
    arrays[`weight/${index}`] = (await variable.data()).slice() as Float32Array;
    shapes.push(variable.shape);
  }
  return { meta: { shapes }, arrays };
}

/** Puts saved weights back. @throws DataError if they belong to another model. */
export function restoreWeights(model: LayersModel, snapshot: Snapshot, who = 'train'): void {
  const weights = weightsOf(model);
  const shapes = snapshot.meta?.['shapes'] as number[][];
  const mine = weights.map((weight) => weight.shape);
  if (JSON.stringify(shapes) !== JSON.stringify(mine)) {
    throw new DataError(
      'checkpoint-mismatch',
      `${who}: the checkpoint belongs to another model: its weights have shapes ${JSON.stringify(shapes)}, this model's ${JSON.stringify(mine)}. Use the model it was written with, or remove the checkpoint.`,
    );
  }
  for (const [index, { shape }] of weights.entries()) {
    const size = shape.reduce<number>((product, d) => product * (d ?? 1), 1);
    checkArray(who, snapshot, `weight/${index}`, size); // all, before the first is assigned
  }
  for (const [index, weight] of weights.entries()) {
    const value = tensor(snapshot.arrays[`weight/${index}`]!.slice() as Float32Array, shapes[index]);
    variableOf(weight).assign(value);
    value.dispose();
  }
}

/** Weights, optimizer and position of a training run in one snapshot. */
export async function saveTraining(
  model: LayersModel,
  optimizer: Optimizer,
  position: Position,
  identity: string,
): Promise<Snapshot> {
  const weights = await saveWeights(model);
  const state = await saveOptimizer(optimizer);
  const slots = Object.entries(state.arrays).map(([name, values]) => [`optimizer/${name}`, values] as const);
  return {
    meta: { kind: 'ockham-training', identity, position, weights: weights.meta, optimizer: state.meta },
    arrays: { ...weights.arrays, ...Object.fromEntries(slots) },
  };
}

/** Restores what {@link saveTraining} kept and returns the position. @throws DataError for another run's snapshot. */
export async function restoreTraining(
  model: LayersModel,
  optimizer: Optimizer,
  snapshot: Snapshot,
  identity: string,
): Promise<Position> {
  const meta = snapshot.meta as {
    kind: string;
    identity: string;
    position: Position;
    weights: Snapshot['meta'];
    optimizer: Snapshot['meta'];
  };
  if (meta.kind !== 'ockham-training' || meta.identity !== identity) {
    throw new DataError(
      'checkpoint-mismatch',
      `train: the checkpoint is of another run (${meta.identity ?? meta.kind}), this one is ${identity}. Use the same data size, batch size, epochs and seed, or remove the checkpoint.`,
    );
  }
  checkPosition(meta.position);
  restoreWeights(model, { meta: meta.weights, arrays: snapshot.arrays });
  const prefix = 'optimizer/';
  const slots = Object.entries(snapshot.arrays).filter(([name]) => name.startsWith(prefix));
  await loadOptimizer(optimizer, {
    meta: meta.optimizer,
    arrays: Object.fromEntries(slots.map(([name, values]) => [name.slice(prefix.length), values])),
  });
  return meta.position;
}

function checkPosition(position: Partial<Position> | undefined): void {
  const { step, total, epochLoss, epochs } = position ?? {};
  const counts = Number.isSafeInteger(step) && Number.isSafeInteger(total) && step! >= 0 && step! <= total!;
  if (counts && typeof epochLoss === 'number' && Array.isArray(epochs)) return;
  throw new DataError(
    'corrupt-file',
    'train: the position in the checkpoint must be a step of a total, and is none. Restore the checkpoint from a copy, or remove it.',
  );
}
