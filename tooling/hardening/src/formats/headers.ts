/** Where the JSON header of a file lies, and the file with another one in its place, its length put right. */
import type { FileHeader } from '../format.ts';

/** The length in 8 bytes, then the header. */
export function safetensorsHeader(bytes: Uint8Array): FileHeader {
  const end = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return {
    header: bytes.subarray(8, end),
    replace: (header) => {
      const length = new Uint8Array(8);
      new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
      return joined(length, header, bytes.subarray(end));
    },
  };
}

/** The length in 4 bytes at 12, the header at 16, then arrays from a multiple of 8 on. */
export function snapshotHeader(bytes: Uint8Array): FileHeader {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(12, true);
  const padding = (size: number) => new Uint8Array((8 - (size % 8)) % 8);
  const end = 16 + length + padding(length).length;
  return {
    header: bytes.subarray(16, 16 + length),
    replace: (header) => {
      const start = new Uint8Array(bytes.subarray(0, 16));
      new DataView(start.buffer).setUint32(12, header.length, true);
      return joined(start, header, padding(header.length), bytes.subarray(end));
    },
  };
}

/** The length of a snapshot in 8 bytes, the snapshot, then records. */
export function replayHeader(bytes: Uint8Array): FileHeader {
  const end = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const { header, replace } = snapshotHeader(bytes.subarray(8, end));
  return {
    header,
    replace: (altered) => {
      const snapshot = replace(altered);
      const length = new Uint8Array(8);
      new DataView(length.buffer).setBigUint64(0, BigInt(snapshot.length), true);
      return joined(length, snapshot, bytes.subarray(end));
    },
  };
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
