import 'fake-indexeddb/auto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { indexedDbStore, memoryStore } from '@ockham/core/files';
import { fileStore, writeFileAtomic } from '@ockham/core/files/node';
import type { Snapshot, SnapshotStore } from '@ockham/core/training';

const snapshot = (step: number): Snapshot => ({
  meta: { step },
  arrays: { w: Float32Array.of(step, NaN, -0) },
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockham-stores-'));
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await rm(folder, { recursive: true });
});

describe.each<[string, () => SnapshotStore]>([
  ['fileStore', () => fileStore(join(folder, 'deep', 'run.ockham'))],
  ['memoryStore', memoryStore],
  ['indexedDbStore', () => indexedDbStore('run')],
])('%s', (_, make) => {
  it('is empty at first, gives back the last snapshot written, and is empty once removed', async () => {
    const store = make();
    expect(await store.read()).toBeUndefined();
    await store.write(snapshot(1));
    await store.write(snapshot(2));
    expect(await store.read()).toStrictEqual(snapshot(2));
    await store.remove();
    expect(await store.read()).toBeUndefined();
    await store.remove();
  });

  it('keeps a copy that later changes of the arrays do not reach', async () => {
    const store = make();
    const live = snapshot(1);
    await store.write(live);
    live.arrays.w![0] = 99;
    expect(await store.read()).toStrictEqual(snapshot(1));
    await store.remove();
  });
});

describe('fileStore', () => {
  it('says what to do about a damaged file and leaves it where it is', async () => {
    const path = join(folder, 'run.ockham');
    const store = fileStore(path);
    await store.write(snapshot(1));
    const bytes = await readFile(path);
    bytes[bytes.length - 10]! ^= 1;
    await writeFile(path, bytes);
    await expect(store.read()).rejects.toMatchObject({
      code: 'corrupt-file',
      message: expect.stringMatching(/run\.ockham'\): .*delete it to start over/),
    });
    expect(await readFile(path)).toEqual(bytes);
  });

  it('names a folder in its place', async () => {
    await expect(fileStore(folder).read()).rejects.toMatchObject({ code: 'storage-failed' });
    await expect(fileStore(folder).remove()).rejects.toMatchObject({ code: 'storage-failed' });
  });
});

describe('writeFileAtomic', () => {
  it('replaces the content and leaves no temporary file', async () => {
    const path = join(folder, 'a.bin');
    await writeFileAtomic(path, Uint8Array.of(1, 2, 3));
    await writeFileAtomic(path, Uint8Array.of(4));
    expect([...(await readFile(path))]).toEqual([4]);
    expect(await readdir(folder)).toEqual(['a.bin']);
  });

  it('leaves one whole content when several writes race', async () => {
    const path = join(folder, 'a.bin');
    await Promise.all([1, 2, 3, 4].map((k) => writeFileAtomic(path, new Uint8Array(100_000).fill(k))));
    expect(new Set(await readFile(path)).size).toBe(1);
    expect(await readdir(folder)).toEqual(['a.bin']);
  });

  it('keeps the former file and removes the temporary one when the rename fails', async () => {
    const path = join(folder, 'taken');
    await writeFileAtomic(join(path, 'inside'), Uint8Array.of(7));
    await expect(writeFileAtomic(path, Uint8Array.of(1))).rejects.toMatchObject({
      code: 'storage-failed',
      message: expect.stringContaining(path),
    });
    expect([...(await readFile(join(path, 'inside')))]).toEqual([7]);
    expect(await readdir(folder)).toEqual(['taken']);
  });

  it('refuses a folder that cannot be made', async () => {
    const file = join(folder, 'file');
    await writeFile(file, 'x');
    await expect(writeFileAtomic(join(file, 'a.bin'), Uint8Array.of(1))).rejects.toMatchObject({
      code: 'storage-failed',
    });
    expect(await readFile(file, 'utf8')).toBe('x');
  });
});

describe('indexedDbStore', () => {
  it('keeps snapshots of different names apart', async () => {
    await indexedDbStore('a').write(snapshot(1));
    await indexedDbStore('b').write(snapshot(2));
    expect(await indexedDbStore('a').read()).toStrictEqual(snapshot(1));
  });

  it('says which store to use where there is no IndexedDB', async () => {
    vi.stubGlobal('indexedDB', undefined);
    await expect(indexedDbStore('a').read()).rejects.toMatchObject({
      code: 'storage-failed',
      message: expect.stringContaining('fileStore'),
    });
  });

  it('names the reason when the browser refuses', async () => {
    vi.stubGlobal('indexedDB', {
      open: () => {
        throw new Error('no space');
      },
    });
    await expect(indexedDbStore('a').write(snapshot(1))).rejects.toMatchObject({
      code: 'storage-failed',
      message: expect.stringContaining('no space'),
    });
  });
});
