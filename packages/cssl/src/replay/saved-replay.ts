import { DataError } from '@ockham/core';
import { decodeSnapshot, encodeSnapshot } from '@ockham/core/files';
import type { Snapshot } from '@ockham/core/training';
import type { Codec } from './codec.ts';
import type { ReplayBuffer } from './replay-buffer.ts';

/**
 * A buffer as plain data: a snapshot of everything but the records, and the records one after the other. Each record has
 * a CRC-32 of its own in the snapshot's `checksums`, so that damage to one costs that one only; keep `records` out of
 * a file's own checksum for that to help, as {@link encodeReplay} does.
 */
export interface SavedReplay extends Snapshot {
  /** Of all slots, one after the other; their lengths are in `arrays.lengths`. */
  readonly records: Uint8Array;
}

/** Options of `ReplayBuffer.load`. */
export interface LoadReplayOptions {
  /** A codec of your own, by the name it had. Default: the one that the saved name says. */
  readonly codec?: Codec;
}

/** What `ReplayBuffer.load` gives back. */
export interface LoadedReplay {
  /** Goes on where the saved one was. */
  readonly buffer: ReplayBuffer;
  /** Records that were damaged and left out; empty where all is well. */
  readonly lost: readonly LostRecord[];
}

/** A record that was damaged. */
export interface LostRecord {
  /** Its slot in the buffer that was saved. */
  readonly slot: number;
  /** Its class, which is known all the same. */
  readonly label: number;
}

const LENGTH = 8; // of the snapshot, two little-endian words

/** A saved buffer as one block of bytes: the snapshot's length, the snapshot with its own CRC-32, the records. */
export function encodeReplay(saved: SavedReplay): Uint8Array {
  const snapshot = encodeSnapshot({ meta: saved.meta, arrays: saved.arrays });
  const bytes = new Uint8Array(LENGTH + snapshot.length + saved.records.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(snapshot.length), true);
  bytes.set(snapshot, LENGTH);
  bytes.set(saved.records, LENGTH + snapshot.length);
  return bytes;
}

/**
 * Reads what {@link encodeReplay} wrote. Damage among the records is left to `ReplayBuffer.load`, which drops those only.
 *
 * @throws DataError `corrupt-file` where the part that describes the records was changed or is missing
 */
export function decodeReplay(bytes: Uint8Array, who = 'decodeReplay'): SavedReplay {
  const length =
    bytes.length < LENGTH
      ? Infinity
      : Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - LENGTH) {
    throw new DataError(
      'corrupt-file',
      `${who}: a saved buffer starts with the length of its index, and this one is cut off or altered there. Restore it from a copy.`,
    );
  }
  const snapshot = decodeSnapshot(bytes.subarray(LENGTH, LENGTH + length), who);
  return { ...snapshot, records: bytes.slice(LENGTH + length) };
}
