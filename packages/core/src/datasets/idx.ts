import { DataError } from '../errors.ts';

/** An IDX file of unsigned bytes: row-major `values` of `shape`, the first dimension counts examples. */
export interface IdxArray {
  /** Sizes from the header, examples first. */
  readonly shape: readonly number[];
  /** A view of the bytes that were parsed, not a copy. */
  readonly values: Uint8Array;
}

/**
 * Reads the IDX format of MNIST: two zero bytes, the type (0x08, unsigned byte), the number of dimensions,
 * each dimension as a big-endian 32-bit number, then the values.
 *
 * @param bytes The whole file, already decompressed.
 * @param who Names the file in errors.
 * @throws DataError `corrupt-file` where the header or the length is wrong.
 */
export function parseIdx(bytes: Uint8Array, who = 'parseIdx'): IdxArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = bytes.length >= 4 ? view.getUint32(0) : 0;
  const rank = magic & 0xff;
  if (magic >>> 8 !== 0x08 || rank === 0) {
    throw corrupt(who, `an IDX file of unsigned bytes starts with 00 00 08 and its rank, got ${hex(bytes)}`);
  }
  const header = 4 + 4 * rank;
  if (bytes.length < header) {
    throw corrupt(who, `the header of an IDX file of rank ${rank} has ${header} bytes, got ${bytes.length}`);
  }
  const shape = Array.from({ length: rank }, (_, d) => view.getUint32(4 + 4 * d));
  const expected = shape.reduce((product, d) => product * d, 1);
  if (bytes.length - header !== expected) {
    throw corrupt(
      who,
      `shape [${shape.join(', ')}] needs ${expected} bytes after the header, got ${bytes.length - header}`,
    );
  }
  return { shape, values: new Uint8Array(bytes.buffer, bytes.byteOffset + header, expected) };
}

function hex(bytes: Uint8Array): string {
  const first = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0'));
  return first.length > 0 ? first.join(' ') : 'an empty file';
}

function corrupt(who: string, what: string): DataError {
  return new DataError('corrupt-file', `${who}: ${what}. Replace the file with a fresh copy, decompressed.`);
}
