/**
 * Files of numbers: npz, safetensors, snapshots, half precision, checksums.
 *
 * @module
 */
export * from './bfloat16.ts';
export { crc32 } from './crc32.ts';
export * from './float16.ts';
export { gunzip, gzip } from './gzip.ts';
export * from './indexed-db-store.ts';
export * from './memory-store.ts';
export * from './named-array.ts';
export * from './npz.ts';
export { parseJson } from './parse-json.ts';
export * from './safetensors.ts';
export * from './sha256.ts';
export * from './snapshot.ts';
