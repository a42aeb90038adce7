import { DataError } from '@ockham/core';
import type { Snapshot } from '@ockham/core/training';
import type { SavedReplay } from '../replay/index.ts';
import type { SavedNetwork } from './network.ts';
import type { Counters } from './results.ts';

const KIND = 'ockham-cssl-learner';

/** What a saved learner consists of. */
export interface LearnerParts extends SavedNetwork {
  readonly identity: string;
  readonly update: Snapshot;
  readonly buffer: SavedReplay;
  readonly counters: Counters;
}

/** One saved form of all parts. */
export function packLearner(parts: LearnerParts): SavedReplay {
  const { identity, labels, counters, weights, update, buffer, kernel, bias } = parts;
  return {
    meta: {
      kind: KIND,
      identity,
      labels,
      counters,
      weights: weights.meta,
      update: update.meta,
      buffer: buffer.meta,
    },
    arrays: {
      ...weights.arrays,
      ...update.arrays,
      ...prefixed('buffer/', buffer.arrays),
      'head/kernel': kernel,
      ...(bias && { 'head/bias': bias }),
    },
    records: buffer.records,
  };
}

/**
 * The parts of a saved learner.
 *
 * @throws DataError where it is no learner's, or another one's.
 */
export function unpackLearner(saved: SavedReplay | undefined, identity: string): LearnerParts {
  const who = 'learner.load';
  if (saved === undefined) {
    throw new DataError(
      'checkpoint-mismatch',
      `${who}: there is nothing to load. Save a learner there first.`,
    );
  }
  const meta = saved.meta as {
    kind: string;
    identity: string;
    labels: number[];
    counters: Counters;
    weights: Snapshot['meta'];
    update: Snapshot['meta'];
    buffer: Snapshot['meta'];
  };
  if (meta.kind !== KIND) {
    throw new DataError(
      'checkpoint-mismatch',
      `${who}: the snapshot must be a learner's, got ${JSON.stringify(meta.kind ?? 'one of another kind').slice(0, 200)}.`,
    );
  }
  if (meta.identity !== identity) {
    throw new DataError(
      'checkpoint-mismatch',
      `${who}: the learner was saved with the options ${meta.identity}, this one has ${identity}. Make it with the same options and seed.`,
    );
  }
  const { arrays, records } = saved;
  const count = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= 0;
  const { labels, counters } = meta;
  const kept = ['examples', 'steps', 'rolledBack', 'trained'].every((key) =>
    count(counters?.[key as keyof Counters]),
  );
  const distinct = Array.isArray(labels) && labels.every(count) && new Set(labels).size === labels.length;
  const bias = arrays['head/bias'];
  const sound =
    arrays['head/kernel'] instanceof Float32Array && (bias === undefined || bias instanceof Float32Array);
  if (!kept || !distinct || !sound || typeof meta.update !== 'object' || typeof meta.buffer !== 'object') {
    throw new DataError(
      'corrupt-file',
      `${who}: what was saved must have counters, distinct classes, a head, an update and a buffer, and has not. Restore the file from a copy.`,
    );
  }
  return {
    identity,
    weights: { meta: meta.weights, arrays },
    labels: meta.labels,
    kernel: arrays['head/kernel'] as Float32Array,
    bias: arrays['head/bias'] as Float32Array | undefined,
    update: { meta: meta.update, arrays },
    buffer: { meta: meta.buffer, arrays: withoutPrefix('buffer/', arrays), records },
    counters: meta.counters,
  };
}

function prefixed(prefix: string, arrays: Snapshot['arrays']): Snapshot['arrays'] {
  return Object.fromEntries(Object.entries(arrays).map(([name, values]) => [prefix + name, values]));
}

function withoutPrefix(prefix: string, arrays: Snapshot['arrays']): Snapshot['arrays'] {
  const own = Object.entries(arrays).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, values]) => [name.slice(prefix.length), values]));
}
