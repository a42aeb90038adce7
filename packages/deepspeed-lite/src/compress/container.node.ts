import { readFile } from 'node:fs/promises';
import { DataError } from '@ockham/core';
import { writeFileAtomic } from '@ockham/core/files/node';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { decodeCompressed, encodeCompressed } from './container.ts';

/**
 * Writes a compressed model to a file; what was at `path` is replaced only once the new file is complete.
 *
 * @returns Bytes of the file.
 * @throws DataError `storage-failed` where it cannot be written; an older file is then untouched.
 */
export async function saveCompressed(model: LayersModel, path: string): Promise<number> {
  const bytes = await encodeCompressed(model);
  await writeFileAtomic(path, bytes);
  return bytes.length;
}

/**
 * Reads a model that {@link saveCompressed} wrote.
 *
 * @throws DataError `storage-failed` where the file cannot be read, else as `decodeCompressed`.
 */
export async function loadCompressed(path: string): Promise<LayersModel> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new DataError(
      'storage-failed',
      `loadCompressed: cannot read ${path}. Check the path and its permissions.`,
      { cause },
    );
  }
  return decodeCompressed(bytes, `loadCompressed: ${path}`);
}
