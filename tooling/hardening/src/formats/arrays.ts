/** Files of arrays: weights and images. */
import { gzipSync } from 'node:zlib';
import { parseCifar, parseIdx, CIFAR_10 } from '@ockham/core/datasets';
import { crc32, decodeSnapshot, encodeSnapshot, gunzip, readNpy, readNpz, readSafetensors, readSafetensorsMetadata, writeSafetensors, type NamedArray } from '@ockham/core/files'; // prettier-ignore
import { fileStore } from '@ockham/core/files/node';
import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js';
import { dump } from 'npyjs';
import { untar } from '../../../../packages/core/src/datasets/tar.ts';
import type { Format } from '../format.ts';
import { safetensorsHeader, snapshotHeader } from './headers.ts';

const MOST = 2 ** 24; // bytes that an archive may unpack to here

const arrays = new Map<string, NamedArray>([
  ['layer/kernel', { shape: [3, 4], values: Float32Array.from({ length: 12 }, (_, i) => i / 3) }],
  ['layer/bias', { shape: [4], values: Float32Array.of(1, -2, 3, 0.5) }],
  ['ids', { shape: [2], values: BigInt64Array.of(5n, -7n) }],
  ['codes', { shape: [2, 3], values: Uint8Array.of(1, 2, 3, 4, 5, 6) }],
]);

const safetensors: Format = {
  name: 'safetensors',
  header: safetensorsHeader,
  originals: async () => [
    writeSafetensors(arrays, { metadata: { format: 'pt', note: 'a b' } }),
    writeSafetensors(arrays, { float: 'BF16' }),
  ],
  read: async (bytes) => {
    readSafetensorsMetadata(bytes);
    return plain(readSafetensors(bytes));
  },
};

async function zipped(level: number): Promise<Uint8Array> {
  const writer = new ZipWriter(new Uint8ArrayWriter(), { level, useWebWorkers: false });
  for (const [name, { values, shape }] of arrays) {
    const content = new Uint8Array(dump(values as Float32Array, [...shape]));
    await writer.add(`${name}.npy`, new Uint8ArrayReader(content));
  }
  return writer.close();
}

const npz: Format = {
  name: 'npz',
  originals: async () => [await zipped(0), await zipped(9)],
  read: async (bytes) => plain(await readNpz(bytes, 'npz', { most: MOST })),
};

const npy: Format = {
  name: 'npy',
  originals: async () => [...arrays.values()].map(({ values, shape }) => new Uint8Array(dump(values as Float32Array, [...shape]))), // prettier-ignore
  read: async (bytes) => plain(new Map([['', await readNpy(bytes)]])),
};

const idx: Format = {
  name: 'idx',
  originals: async () => [
    Uint8Array.from([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, ...Array(12).keys()]),
    Uint8Array.from([0, 0, 8, 1, 0, 0, 0, 3, 4, 5, 6]),
  ],
  read: async (bytes) => {
    const { shape, values } = parseIdx(bytes);
    return plain(new Map([['', { shape, values }]]));
  },
};

const cifar: Format = {
  name: 'cifar',
  originals: async () => [Uint8Array.from({ length: 2 * 3073 }, (_, i) => (i % 3073 === 0 ? 3 : i & 255))],
  read: async (bytes) => {
    const { size, x, y } = parseCifar([bytes], CIFAR_10);
    if (x.values.length !== size * 3072 || y.values.some((label) => label > 9)) throw new Error('odd images');
    return [size, hash(x.values)];
  },
};

const TEXT = new TextEncoder().encode('one line of text\n'.repeat(60));

const gzip: Format = {
  name: 'gzip',
  originals: async () => [new Uint8Array(gzipSync(TEXT))],
  read: async (bytes) => hash(await gunzip(bytes, 'gzip', MOST)),
  whole: true,
};

const tar: Format = {
  name: 'tar',
  originals: async () => [tarOf('folder/a.bin', TEXT)],
  read: async (bytes) => [...untar(bytes, 'tar')].map(([name, content]) => [name, hash(content)]),
};

const state = {
  meta: {
    kind: 'state',
    step: 3,
    rate: 0.1,
    odd: [NaN, -0, Infinity],
    nested: { list: [1, 2, { a: null }] },
  },
  arrays: { weights: Float32Array.of(1, 2, 3), ids: Int32Array.of(4, 5), bytes: Uint8Array.of(7) },
};

const snapshot: Format = {
  name: 'snapshot',
  originals: async () => [encodeSnapshot(state)],
  read: async (bytes) => snapshotText(decodeSnapshot(bytes)),
  whole: true,
};

const sealedSnapshot: Format = {
  ...snapshot,
  name: 'snapshot with its checksum',
  whole: false,
  seal: sealSnapshot,
  header: snapshotHeader,
};

const storedSnapshot: Format = {
  ...snapshot,
  name: 'snapshot in a file',
  read: async (_, { path }) => {
    const read = await fileStore(path).read();
    return read && snapshotText(read);
  },
};

/** Files of arrays. */
export const arrayFormats: readonly Format[] = [safetensors, npz, npy, idx, cifar, gzip, tar, snapshot, sealedSnapshot, storedSnapshot]; // prettier-ignore

/** Puts the right checksum at the end of a snapshot. */
export function sealSnapshot(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 4) return bytes;
  const sealed = new Uint8Array(bytes);
  const size = sealed.length - 4;
  new DataView(sealed.buffer).setUint32(size, crc32(sealed.subarray(0, size)), true);
  return sealed;
}

/** A short stand-in for long content. */
export function hash(values: ArrayLike<number>): string {
  let sum = 0x811c9dc5;
  for (let i = 0; i < values.length; i++) sum = Math.imul(sum ^ (values[i]! * 1e6), 0x01000193);
  return `${values.length}:${sum >>> 0}`;
}

function snapshotText({ meta, arrays: parts }: ReturnType<typeof decodeSnapshot>): unknown {
  return [JSON.stringify(meta), Object.entries(parts).map(([name, values]) => [name, hash(values)])];
}

function plain(read: ReadonlyMap<string, NamedArray>): unknown {
  return [...read].map(([name, { shape, values }]) => {
    const expected = shape.reduce((product, d) => product * d, 1);
    const sound = shape.every((d) => Number.isSafeInteger(d) && d >= 0);
    if (!sound || expected !== values.length)
      throw new Error(`${name}: ${values.length} values of [${shape.join()}]`);
    return [name, shape, hash(Array.from(values as Iterable<number | bigint>, Number))];
  });
}

function tarOf(name: string, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(512 + Math.ceil(content.length / 512) * 512 + 1024);
  const put = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at);
  put(0, name);
  put(100, '0000644\0' + '0000000\0' + '0000000\0' + content.length.toString(8).padStart(11, '0') + '\0' + '00000000000\0' + '        ' + '0'); // prettier-ignore
  put(257, 'ustar\u000000');
  bytes.set(content, 512);
  return bytes;
}
