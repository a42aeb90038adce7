/**
 * Checkpoints of runs on many ranks. Every rank writes the part of the flat vector that would be its share, whatever the stage: one
 * format for all, from which any number of ranks at any stage reads what it needs. The manifest is written last and replaces the former
 * one: until then the former checkpoint is the one that is read.
 */
import { DataError } from '@ockham/core';
import type { Communicator } from '@ockham/core/comm';
import { encodeSnapshot, sha256 } from '@ockham/core/files';
import type { Snapshot, SnapshotStore } from '@ockham/core/training';
import type { FlatEntry, FlatLayout } from '../zero/flat-layout.ts';
import { shareOfRank } from '../zero/flat-layout.ts';
import type { Range } from '../zero/shares.ts';

/**
 * Where a checkpoint is kept: a store for each name. In Node `folderOf(path)`, in a page `(name) => indexedDbStore(name)`. All ranks must
 * see the same.
 */
export type CheckpointStores = (name: string) => SnapshotStore;

/** Names of arrays that are as long as the parameters: `parameters`, and the optimizer's slots behind `optimizer/`. */
export type FlatArrays = Readonly<Record<string, Float32Array>>;

/** What all ranks know. */
export interface CheckpointMeta {
  readonly optimizer: string;
  readonly globalBatch: number;
  readonly position: Readonly<Record<string, number>>;
  /** Whatever else is to be the same again. */
  readonly run: Readonly<Record<string, unknown>>;
}

interface Shard extends Range {
  readonly name: string;
  readonly sha256: string;
}

interface Manifest extends CheckpointMeta {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly generation: number;
  readonly entries: readonly Pick<FlatEntry, 'name' | 'shape'>[];
  readonly shards: readonly Shard[];
}

const FORMAT = 'ockham-deepspeed-lite';
const VERSION = 1;
const MANIFEST = 'manifest';
const SHARD = /^shard-\d{1,16}-\d{1,9}-of-\d{1,9}$/;

/**
 * Writes a checkpoint. Collective.
 *
 * @param arrays This rank's part, {@link shareOfRank}, of each array.
 * @param common Arrays that are the same on all ranks.
 * @throws DataError `storage-failed` on every rank, naming one that could not write; the former checkpoint is intact.
 */
export async function writeCheckpoint(
  stores: CheckpointStores,
  control: Communicator,
  layout: FlatLayout,
  arrays: FlatArrays,
  common: FlatArrays,
  meta: CheckpointMeta,
): Promise<void> {
  const { rank, size } = control;
  const former = await agree(control, 'save', () => readManifest(stores, false));
  const generation = (former?.generation ?? 0) + 1;
  const [begin, end] = shareOfRank(layout, rank);
  const name = `shard-${generation}-${rank}-of-${size}`;
  const snapshot: Snapshot = { meta: { name, begin, end }, arrays };
  const own = await agree(control, 'save', async () => {
    await stores(name).write(snapshot);
    return sha256(encodeSnapshot(snapshot));
  }).catch(async (error: unknown) => {
    await stores(name)
      .remove()
      .catch(() => undefined); // a full disk is full still
    throw error;
  });
  const sums = await control.allGather(new TextEncoder().encode(own), new Uint8Array(64 * size));
  await agree(control, 'save', async () => {
    if (rank > 0) return;
    const shards = Array.from({ length: size }, (_, r): Shard => {
      const [from, to] = shareOfRank(layout, r);
      return { name: `shard-${generation}-${r}-of-${size}`, begin: from, end: to, sha256: new TextDecoder().decode(sums.subarray(64 * r, 64 * r + 64)) }; // prettier-ignore
    });
    const entries = layout.entries.map(({ name: entry, shape }) => ({ name: entry, shape }));
    const manifest: Manifest = { ...meta, format: FORMAT, version: VERSION, generation, entries, shards };
    await stores(MANIFEST).write({ meta: { ...manifest }, arrays: { ...common } });
  });
  if (rank === 0) for (const shard of former?.shards ?? []) await stores(shard.name).remove();
}

/** What a rank reads. */
export interface ReadCheckpoint {
  readonly meta: CheckpointMeta;
  readonly common: FlatArrays;
  /** The values of one array in a part of the flat vector; zeros in the padding. */
  read(name: string, range: Range): Float32Array;
}

/**
 * Reads a checkpoint, saved on any number of ranks at any stage. Collective.
 *
 * @param needed The parts of the flat vector that will be asked for.
 * @throws DataError on every rank: `corrupt-file` for a shard that is missing or altered, `checkpoint-mismatch` for another model.
 */
export async function readCheckpoint(
  stores: CheckpointStores,
  control: Communicator,
  layout: FlatLayout,
  needed: readonly Range[],
): Promise<ReadCheckpoint> {
  return agree(control, 'load', async () => {
    const manifest = (await readManifest(stores, true))!;
    checkEntries(manifest, layout);
    checkCover(manifest.shards, layout);
    const parts: { shard: Shard; arrays: Snapshot['arrays'] }[] = [];
    for (const shard of manifest.shards) {
      if (!needed.some(({ begin, end }) => begin < shard.end && shard.begin < end)) continue;
      parts.push({ shard, arrays: await readShard(stores, shard) });
    }
    return {
      meta: manifest,
      common: manifest.arrays as FlatArrays,
      read(name, { begin, end }) {
        const values = new Float32Array(end - begin);
        for (const { shard, arrays } of parts) {
          const [from, to] = [Math.max(begin, shard.begin), Math.min(end, shard.end, layout.length)];
          const stored = arrays[name];
          if (!(stored instanceof Float32Array && stored.length === shard.end - shard.begin))
            throw mismatch(
              `${shard.name} has no ${name} of ${shard.end - shard.begin} numbers, but ${Object.keys(arrays).join(', ')}`,
            );
          if (from < to) values.set(stored.subarray(from - shard.begin, to - shard.begin), from - begin);
        }
        return values;
      },
    };
  });
}

/** Whether there is a checkpoint, as rank 0 sees it. Collective. */
export async function hasCheckpoint(stores: CheckpointStores, control: Communicator): Promise<boolean> {
  const found = await agree(control, 'load', async () =>
    Int32Array.of(control.rank === 0 && (await readManifest(stores, false)) ? 1 : 0),
  );
  await control.broadcast(found);
  return found[0] === 1;
}

async function readManifest(
  stores: CheckpointStores,
  must: boolean,
): Promise<(Manifest & Pick<Snapshot, 'arrays'>) | undefined> {
  const snapshot = await stores(MANIFEST).read();
  if (!snapshot) {
    if (!must) return undefined;
    throw new DataError(
      'corrupt-file',
      'load: a checkpoint must have a manifest, but there is none. Check where it was saved.',
    );
  }
  const manifest = snapshot.meta as unknown as Manifest;
  if (manifest.format !== FORMAT || manifest.version !== VERSION)
    throw mismatch(`its manifest is of the format ${manifest.format} ${manifest.version}`);
  checkManifest(manifest);
  return { ...manifest, arrays: snapshot.arrays };
}

/** Whoever wrote it could compute its checksum; its names become names of files. */
function checkManifest({
  generation,
  entries,
  shards,
  optimizer,
  globalBatch,
  position,
  run,
}: Manifest): void {
  const count = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= 0;
  const record = (value: unknown): boolean => typeof value === 'object' && value !== null;
  const sound =
    count(generation) &&
    count(globalBatch) &&
    typeof optimizer === 'string' &&
    record(position) &&
    record(run) &&
    Array.isArray(entries) &&
    (entries as readonly Partial<Manifest['entries'][number]>[]).every(
      (entry) => typeof entry?.name === 'string' && Array.isArray(entry.shape) && entry.shape.every(count),
    ) &&
    Array.isArray(shards) &&
    (shards as readonly Partial<Shard>[]).every(
      (shard) =>
        SHARD.test(shard?.name ?? '') &&
        count(shard.begin) &&
        count(shard.end) &&
        typeof shard.sha256 === 'string',
    );
  if (sound) return;
  throw new DataError('corrupt-file', 'load: the manifest must name shards, parameters and a position, and does not: it was altered. Restore it from a copy.'); // prettier-ignore
}

async function readShard(stores: CheckpointStores, shard: Shard): Promise<Snapshot['arrays']> {
  const snapshot = await stores(shard.name).read();
  if (!snapshot)
    throw new DataError('corrupt-file', `load: the checkpoint must have the shard ${shard.name}, which is missing. Restore it from a copy, or load an older checkpoint.`); // prettier-ignore
  if ((await sha256(encodeSnapshot(snapshot))) === shard.sha256) return snapshot.arrays;
  throw new DataError('checksum-mismatch', `load: the shard ${shard.name} must have the SHA-256 ${shard.sha256} of the manifest, and has another: it was altered, or is of another checkpoint. Restore it from a copy.`); // prettier-ignore
}

/** What no shard holds would be zeros. */
function checkCover(shards: readonly Shard[], { length }: FlatLayout): void {
  let covered = 0;
  for (const { begin, end } of shards.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered || end < begin) break;
    covered = end;
  }
  if (covered >= length) return;
  throw mismatch(`its shards follow each other up to parameter ${covered} of ${length}`);
}

function checkEntries({ entries }: Manifest, layout: FlatLayout): void {
  type Named = Pick<FlatEntry, 'name' | 'shape'>;
  const text = ({ name, shape }: Named): string => `${name} [${shape.join(', ')}]`;
  // TensorFlow.js numbers automatic layer names anew for every model: what counts is the weight's name in its layer
  const key = (entry: Named): string => text(entry).split('/').at(-1)!;
  const at = layout.entries.findIndex((entry, i) => !entries[i] || key(entry) !== key(entries[i]));
  if (at < 0 && entries.length === layout.entries.length) return;
  const [saved, here] = [entries[Math.max(at, 0)], layout.entries[Math.max(at, 0)]];
  throw mismatch(`it has ${entries.length} parameters, ${saved ? text(saved) : 'nothing'} where the model has ${here ? text(here) : 'nothing'}`); // prettier-ignore
}

function mismatch(what: string): DataError {
  return new DataError('checkpoint-mismatch', `load: the checkpoint is of another run: ${what}. Use the model and optimizer it was saved with.`); // prettier-ignore
}

/** Does `work` on every rank; if it fails on one, all throw. Collective. */
async function agree<T>(control: Communicator, who: string, work: () => Promise<T>): Promise<T> {
  const outcome = await work().then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  const failed = Int32Array.of('error' in outcome ? control.size - control.rank : 0);
  await control.allReduce(failed, 'max');
  if ('error' in outcome) throw outcome.error as Error;
  if (failed[0] === 0) return outcome.value;
  throw new DataError(
    'storage-failed',
    `${who}: every rank must succeed, but rank ${control.size - failed[0]!} did not; its error says why.${who === 'save' ? ' The former checkpoint is intact.' : ''}`,
  );
}
