import { readFile } from 'node:fs/promises';
import { DataError } from '@ockham/core';
import { writeFileAtomic } from '@ockham/core/files/node';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import {
  decodeSparseModel,
  encodeSparseModel,
  type DecodeSparseOptions,
  type SparseFile,
  type SparseFileOptions,
} from './sparse-file.ts';

/**
 * Writes a model to a sparse file; what was at `path` is replaced only once the new file is complete.
 *
 * @throws DataError (`storage-failed`) when the file cannot be written; an older file is then untouched.
 */
export async function saveSparseModel(
  model: LayersModel,
  path: string,
  options: SparseFileOptions = {},
): Promise<SparseFile> {
  const file = await encodeSparseModel(model, options);
  await writeFileAtomic(path, file.bytes);
  return file;
}

/**
 * Reads a model that {@link saveSparseModel} wrote.
 *
 * @throws DataError (`storage-failed` when the file cannot be read, `corrupt-file` when it is damaged).
 */
export async function loadSparseModel(path: string, options: DecodeSparseOptions = {}): Promise<LayersModel> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new DataError(
      'storage-failed',
      `loadSparseModel: cannot read ${path}. Check the path and its permissions.`,
      {
        cause: error,
      },
    );
  }
  return decodeSparseModel(bytes, options);
}
