import { createWriteStream, openAsBlob } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { BlobReader, ZipReader } from '@zip.js/zip.js';
import { parseTarGzip } from 'nanotar';
import { DataError } from '@ockham/core';

/** Unpacks the `dist` and `binding` folders and the manifest of an npm package into `target`. */
export async function unpackPackage(tgz: string, target: string): Promise<void> {
  for (const file of await parseTarGzip(await readFile(tgz))) {
    const [, ...path] = file.name.split('/'); // every name starts with `package/`
    const wanted = ['dist', 'binding'].includes(path[0] ?? '') || path.join('/') === 'package.json';
    if (!wanted || !file.data || path.includes('..')) continue;
    const to = join(target, ...path);
    await mkdir(dirname(to), { recursive: true });
    await writeFile(to, file.data);
  }
}

/** Unpacks the named files of one folder of a zip archive into `target`, streaming. */
export async function unpackLibraries(
  archive: string,
  folder: string,
  names: readonly string[],
  target: string,
): Promise<void> {
  await mkdir(target, { recursive: true });
  const zip = new ZipReader(new BlobReader(await openAsBlob(archive)), { useWebWorkers: false });
  try {
    const entries = await zip.getEntries();
    for (const name of names) {
      const entry = entries.find(({ filename }) => filename === `${folder}/${name}`);
      if (!entry || entry.directory) {
        throw new DataError('corrupt-file', `native: ${archive} must hold ${folder}/${name}, and does not.`);
      }
      await entry.getData(Writable.toWeb(createWriteStream(join(target, name))), { checkSignature: true });
    }
  } finally {
    await zip.close();
  }
}
