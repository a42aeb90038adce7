import type { decode } from 'jpeg-js';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { XzReadableStream } from 'xz-decompress';
import type { Dataset } from '../dataset.ts';
import { DataError, throwIfAborted } from '../errors.ts';
import { writeFileAtomic } from '../files/write-file.node.ts';
import { CIFAR10 } from './cifar-10.ts';
import { CIFAR_10, parseCifar } from './cifar.ts';
import { cacheFolder, dataFolder } from './folders.node.ts';
import type { DatasetOptions } from './load.node.ts';
import { readChecked } from './read-form.node.ts';
import type { DatasetFile } from './recipe.ts';
import { untar } from './tar.ts';

const ARCHIVE: DatasetFile = {
  name: 'jpeg_full.tar.xz',
  bytes: 18441260,
  sha256: 'de76ce943902c35c9018fa3413c2d7c869a823e66343d323ce545173e95d2cc1',
};
const NOTE =
  'All 60,000 images, decoded by jpeg-js from a lossy JPEG copy (mean squared error 65 on 0–255): ' +
  'comparable only with figures on the same pixels.';
const PLANE = 32 * 32;
const RECORD = 1 + 3 * PLANE;
const SPLITS = { train: 5000, test: 1000 } as const; // images of each class
const REPORT_EVERY = 500; // images between two reports, each a pause in which an abort is seen

/**
 * CIFAR-10 from the JPEG copy `cifar10/jpeg_full.tar.xz` of the data folder: decoded once (about 20 s) into the
 * cache, in the official record layout. Classes take turns, so that the first n examples are balanced.
 *
 * Needs the optional peers `xz-decompress` and `jpeg-js`.
 */
export async function cifar10FromJpeg(who: string, options: DatasetOptions): Promise<Dataset> {
  const folder = join(cacheFolder(options.cache), 'cifar10-jpeg');
  const cached = existsSync(join(folder, 'source.json'));
  const content = cached ? await readDecoded(who, folder) : await decodeInto(who, folder, options);
  return {
    name: CIFAR10.name,
    classes: CIFAR10.classes,
    train: parseCifar([content.train], CIFAR_10, `${who}: train`),
    test: parseCifar([content.test], CIFAR_10, `${who}: test`),
    provenance: {
      source: cached ? 'cache' : 'folder',
      checksums: { [ARCHIVE.name]: ARCHIVE.sha256 },
      note: NOTE,
    },
  };
}

interface Decoded {
  readonly train: Uint8Array;
  readonly test: Uint8Array;
}

async function readDecoded(who: string, folder: string): Promise<Decoded> {
  const read = async (name: keyof Decoded): Promise<Uint8Array> => {
    const path = join(folder, `${name}.bin`);
    const bytes = await readFile(path).catch(() => new Uint8Array());
    if (sha256(bytes) === checksums[name]) return bytes;
    throw new DataError(
      'checksum-mismatch',
      `${who}: ${path} is not what was decoded into it. Delete ${folder} and run again to decode anew.`,
    );
  };
  const checksums = JSON.parse(await readFile(join(folder, 'source.json'), 'utf8')) as Record<string, string>;
  return { train: await read('train'), test: await read('test') };
}

async function decodeInto(who: string, folder: string, options: DatasetOptions): Promise<Decoded> {
  const root = dataFolder(who, options.folder);
  const home = root && join(root, CIFAR10.name);
  if (!home || !existsSync(join(home, ARCHIVE.name))) {
    throw new DataError(
      'dataset-missing',
      `${who}: pixels: 'jpeg' needs ${ARCHIVE.name} in a folder ${CIFAR10.name} of the one that OCKHAM_DATA names. ` +
        `Provide it, or use pixels: 'lossless'.`,
    );
  }
  const decoder = await decoders(who);
  const archive = await readChecked(who, home, ARCHIVE);
  const stream = new decoder.XzReadableStream(new Blob([archive as Uint8Array<ArrayBuffer>]).stream());
  const files = untar(new Uint8Array(await new Response(stream).arrayBuffer()), who);
  const decoded = { train: new Uint8Array(), test: new Uint8Array() };
  for (const split of ['train', 'test'] as const) {
    const total = SPLITS[split] * CIFAR10.classes.length;
    const records = new Uint8Array(total * RECORD);
    for (let i = 0; i < total; i++) {
      const label = i % CIFAR10.classes.length;
      const number = `${Math.floor(i / CIFAR10.classes.length)}`.padStart(4, '0');
      const name = `${split}/${CIFAR10.classes[label]}/${number}.jpg`;
      const jpeg = files.get(name);
      if (!jpeg)
        throw new DataError('corrupt-file', `${who}: ${ARCHIVE.name} lacks ${name}. Take a fresh copy.`);
      const { data } = decoder.decode(jpeg, { useTArray: true, formatAsRGBA: false }); // [1024, 3]
      records[i * RECORD] = label;
      for (let p = 0; p < 3 * PLANE; p++)
        records[i * RECORD + 1 + (p % 3) * PLANE + Math.floor(p / 3)] = data[p]!;
      if ((i + 1) % REPORT_EVERY > 0) continue;
      options.progress?.({ stage: `decode ${CIFAR10.name} ${split}`, done: i + 1, total });
      await setImmediate();
      throwIfAborted(options.signal, who);
    }
    decoded[split] = records;
  }
  await writeFileAtomic(join(folder, 'train.bin'), decoded.train);
  await writeFileAtomic(join(folder, 'test.bin'), decoded.test);
  const source = { archive: ARCHIVE.sha256, train: sha256(decoded.train), test: sha256(decoded.test) };
  await writeFileAtomic(join(folder, 'source.json'), new TextEncoder().encode(JSON.stringify(source)));
  return decoded;
}

async function decoders(
  who: string,
): Promise<{ XzReadableStream: typeof XzReadableStream; decode: typeof decode }> {
  try {
    const [xz, jpeg] = await Promise.all([import('xz-decompress'), import('jpeg-js')]);
    return { XzReadableStream: xz.default.XzReadableStream, decode: jpeg.default.decode };
  } catch (cause) {
    throw new DataError(
      'dataset-missing',
      `${who}: pixels: 'jpeg' needs the packages xz-decompress and jpeg-js. Install both and run again.`,
      { cause },
    );
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
