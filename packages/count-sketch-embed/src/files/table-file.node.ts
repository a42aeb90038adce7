import { readFile } from 'node:fs/promises';
import { DataError } from '@ockham/core';
import { writeFileAtomic } from '@ockham/core/files/node';
import type { CompressedEmbedding } from '../layers/index.ts';
import { decodeTable, type DecodeTableOptions } from './decode-table.ts';
import { encodeTable, type EncodeTableOptions } from './encode-table.ts';

/**
 * Writes a table to a file, in the place of an older one only once it is complete.
 *
 * @returns Bytes on disk.
 * @throws DataError `storage-failed` where the disk refuses.
 */
export async function saveTable(
  layer: CompressedEmbedding,
  path: string,
  options: EncodeTableOptions = {},
): Promise<number> {
  const bytes = encodeTable(layer, options);
  await writeFileAtomic(path, bytes);
  return bytes.length;
}

/**
 * Reads a table that {@link saveTable} wrote.
 *
 * @throws DataError `dataset-missing` where the file cannot be read, else as `decodeTable`.
 */
export async function loadTable(
  path: string,
  options: DecodeTableOptions = {},
): Promise<CompressedEmbedding> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new DataError('dataset-missing', `loadTable: ${path} cannot be read. Check the path.`, { cause });
  }
  return decodeTable(bytes, options);
}
