import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Optimizer } from '@tensorflow/tfjs-core';
import { DataError, type Split } from '@ockham/core';
import type { Random, RandomState } from '@ockham/core/random';
import { saveWeights, type Snapshot } from '@ockham/core/training';
import type { KernelGradient } from './gradient.ts';
import { Masks } from './masks.ts';
import type { PruneRecord } from './options.ts';

/** Where a pruning run stands. */
export interface RunState {
  /** The iteration under way, 1 … N. */
  readonly iteration: number;
  readonly masks: Masks;
  /** G for each kernel that takes part. */
  readonly gradient: readonly KernelGradient[];
  readonly history: readonly PruneRecord[];
}

/**
 * What the run needs beside its state: in the middle of retraining a snapshot of `train`, which holds weights,
 * optimizer and position; at the start of an iteration the weights, and the optimizer if it goes on.
 */
export type RunParts =
  { readonly training: Snapshot } | { readonly weights: Snapshot; readonly optimizer: Snapshot | undefined };

/** One snapshot of a whole run. */
export function packRun(identity: string, random: Random, state: RunState, parts: RunParts): Snapshot {
  const { iteration, history } = state;
  const moment = (of: keyof KernelGradient) => ({
    meta: {},
    arrays: Object.fromEntries(state.gradient.map((g, i) => [i, g[of].slice()])),
  });
  return joinSnapshots(
    { kind: 'ockham-prune', identity, iteration, history, random: random.getState() },
    { masks: state.masks.toSnapshot(), gradient: moment('mean'), squares: moment('square'), ...parts },
  );
}

/**
 * Takes {@link packRun} apart.
 *
 * @throws DataError if the snapshot is of another run.
 */
export function unpackRun(
  model: LayersModel,
  identity: string,
  snapshot: Snapshot,
): { state: RunState; parts: RunParts } {
  const meta = snapshot.meta as {
    kind: string;
    identity: string;
    iteration: number;
    history: PruneRecord[];
    random: RandomState;
  };
  if (meta.kind !== 'ockham-prune' || meta.identity !== identity) {
    throw new DataError(
      'checkpoint-mismatch',
      `prune: the checkpoint is of another run (${meta.identity ?? meta.kind}), this one is ${identity}. Use the same model, data, options and seed, or remove the checkpoint.`,
    );
  }
  const parts = splitSnapshot(snapshot);
  const moment = (name: string) => Object.values(parts[name]!.arrays).map((g) => g.slice() as Float32Array);
  const squares = moment('squares');
  return {
    state: {
      iteration: meta.iteration,
      masks: Masks.fromSnapshot(model, parts['masks']!),
      gradient: moment('gradient').map((mean, i) => ({ mean, square: squares[i]! })),
      history: meta.history,
    },
    parts: parts['training']
      ? { training: parts['training'] }
      : { weights: parts['weights']!, optimizer: parts['optimizer'] },
  };
}

/** Several snapshots in one; apart again with {@link splitSnapshot}. A name may not contain `:`. */
export function joinSnapshots(
  meta: Snapshot['meta'],
  parts: Readonly<Record<string, Snapshot | undefined>>,
): Snapshot {
  const given = Object.entries(parts).filter((entry): entry is [string, Snapshot] => entry[1] !== undefined);
  const arrays = given.flatMap(([name, part]) =>
    Object.entries(part.arrays).map(([key, values]) => [`${name}:${key}`, values] as const),
  );
  const metas = Object.fromEntries(given.map(([name, part]) => [name, part.meta]));
  return { meta: { ...meta, parts: metas }, arrays: Object.fromEntries(arrays) };
}

/** The parts of {@link joinSnapshots} by name. */
export function splitSnapshot({ meta, arrays }: Snapshot): Record<string, Snapshot> {
  const metas = meta['parts'] as Record<string, Snapshot['meta']>;
  const of = (name: string) =>
    Object.entries(arrays)
      .filter(([key]) => key.startsWith(`${name}:`))
      .map(([key, values]) => [key.slice(name.length + 1), values] as const);
  return Object.fromEntries(
    Object.entries(metas).map(([name, part]) => [name, { meta: part, arrays: Object.fromEntries(of(name)) }]),
  );
}

/** Tells runs apart: the options, the random key, and checksums of the data and the given weights. */
export async function identityOf(
  model: LayersModel,
  settings: object,
  data: Split,
  random: Random,
): Promise<string> {
  const options = JSON.stringify(settings, (_, value: unknown) => {
    if (typeof value === 'function') return 'function';
    if (value instanceof RegExp) return String(value);
    if (typeof value === 'object' && value !== null && 'getClassName' in value)
      return [(value.getClassName as () => string)(), (value as unknown as Optimizer).getConfig()];
    return value;
  });
  const { arrays } = await saveWeights(model);
  return [
    options,
    `${data.size} examples ${checksum([data.x.values, data.y.values])}`,
    `random ${random.getState().key.join('.')}`,
    `weights ${checksum(Object.values(arrays))}`,
  ].join(', ');
}

/** FNV-1a over the bits of arrays, a number at a time. */
function checksum(arrays: readonly Snapshot['arrays'][string][]): string {
  let hash = 0x811c9dc5;
  for (const values of arrays) {
    const { buffer, byteOffset, byteLength } = values;
    const words = values instanceof Uint8Array ? values : new Int32Array(buffer, byteOffset, byteLength >> 2);
    for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i]!, 0x01000193);
  }
  return (hash >>> 0).toString(16);
}
