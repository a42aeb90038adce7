import { ArgumentError, DataError } from '../errors.ts';
import type { Snapshot } from '../training/types.ts';
import { crc32 } from './crc32.ts';
import { fromExactJson, toExactJson } from './exact-json.ts';

type SnapshotArray = Snapshot['arrays'][string];

const MAGIC = 'OCKHSNAP';
const VERSION = 1;
const PREAMBLE = 16; // magic, version, length of the header
const ALIGNMENT = 8;
const CHECKSUM = 4;

const TYPES = { Float32Array, Float64Array, Int32Array, Uint8Array } as const;

interface ArrayRecord {
  readonly name: string;
  readonly type: keyof typeof TYPES;
  readonly length: number;
}

/**
 * Writes a snapshot as one block of bytes, to be read back to the bit: `OCKHSNAP`, the version and the header's
 * length (32-bit little-endian each), a JSON header (`meta`, and name, type and length of each array), each
 * array little-endian on a multiple of 8 bytes, and the CRC-32 of everything before.
 *
 * @throws ArgumentError where `meta` holds something else than plain data or an array is of another type.
 */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const who = 'encodeSnapshot';
  const records = Object.entries(snapshot.arrays).map(([name, array]) => toRecord(who, name, array));
  const meta = toExactJson(snapshot.meta, who);
  const header = new TextEncoder().encode(`{"meta":${meta},"arrays":${JSON.stringify(records)}}`);
  let size = align(PREAMBLE + header.length);
  for (const record of records) size = align(size + byteLength(record));
  const bytes = new Uint8Array(size + CHECKSUM);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  view.setUint32(8, VERSION, true);
  view.setUint32(12, header.length, true);
  bytes.set(header, PREAMBLE);
  let at = align(PREAMBLE + header.length);
  for (const { name } of records) {
    const array = snapshot.arrays[name]!;
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at = align(at + array.byteLength);
  }
  view.setUint32(size, crc32(bytes.subarray(0, size)), true);
  return bytes;
}

/**
 * Reads what {@link encodeSnapshot} wrote. The arrays are copies.
 *
 * @param who Names the file or caller in errors.
 * @throws DataError `corrupt-file` where a byte was changed or is missing; `checkpoint-mismatch` where a newer
 *   version of Ockham wrote it.
 */
export function decodeSnapshot(bytes: Uint8Array, who = 'decodeSnapshot'): Snapshot {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytes.length - CHECKSUM;
  if (size < PREAMBLE || new TextDecoder().decode(bytes.subarray(0, 8)) !== MAGIC) {
    throw new DataError(
      'corrupt-file',
      `${who}: a snapshot starts with ${MAGIC}, and this does not. Check that it is the right file; delete it to start over.`,
    );
  }
  if (view.getUint32(size, true) !== crc32(bytes.subarray(0, size))) {
    throw new DataError(
      'corrupt-file',
      `${who}: the content must agree with its CRC-32, and does not: it was cut off or altered. ` +
        `Restore it from a copy, or delete it to start over.`,
    );
  }
  const version = view.getUint32(8, true);
  if (version !== VERSION) {
    throw new DataError(
      'checkpoint-mismatch',
      `${who}: the snapshot must be of version ${VERSION}, got ${version}. Update @ockham/core, or delete it to start over.`,
    );
  }
  const headerEnd = PREAMBLE + view.getUint32(12, true);
  const { meta, records } = readHeader(bytes.subarray(PREAMBLE, Math.min(headerEnd, size)), who);
  const arrays: [string, SnapshotArray][] = [];
  let at = align(headerEnd);
  for (const record of records) {
    const end = at + byteLength(record);
    if (end > size) throw foreign(who, `the array '${record.name}' ends at ${end} of ${size} bytes`);
    // Not slice(): of a Node Buffer that is a view.
    arrays.push([record.name, new TYPES[record.type](new Uint8Array(bytes.subarray(at, end)).buffer)]);
    at = align(end);
  }
  if (at !== size) throw foreign(who, `its arrays end at ${at} of ${size} bytes`);
  return { meta, arrays: Object.fromEntries(arrays) };
}

/** The header of a snapshot whose checksum is right: whoever wrote it could compute one. */
function readHeader(
  bytes: Uint8Array,
  who: string,
): { meta: Snapshot['meta']; records: readonly ArrayRecord[] } {
  let header: unknown;
  try {
    header = fromExactJson(new TextDecoder().decode(bytes), who);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw foreign(who, `its header is no JSON (${(cause as Error).message})`, cause);
  }
  const { meta, arrays } = (header ?? {}) as { readonly meta?: unknown; readonly arrays?: unknown };
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta) || !Array.isArray(arrays)) {
    throw foreign(who, 'its header needs an object as meta and a list as arrays');
  }
  const names = new Set<unknown>();
  for (const record of arrays as readonly Partial<ArrayRecord>[]) {
    const { name, type, length } = record ?? {};
    const known = typeof name === 'string' && typeof type === 'string' && Object.hasOwn(TYPES, type);
    if (!known || !Number.isSafeInteger(length) || length! < 0 || names.has(name))
      throw foreign(
        who,
        `an array needs a name of its own, a known type and a length, got ${JSON.stringify(record)?.slice(0, 200)}`,
      );
    names.add(name);
  }
  return { meta: meta as Snapshot['meta'], records: arrays as readonly ArrayRecord[] };
}

function foreign(who: string, what: string, cause?: unknown): DataError {
  return new DataError(
    'corrupt-file',
    `${who}: the snapshot was not written by Ockham: ${what}. Restore it from a copy, or delete it to start over.`,
    { cause },
  );
}

function toRecord(who: string, name: string, array: SnapshotArray): ArrayRecord {
  const type = (Object.keys(TYPES) as (keyof typeof TYPES)[]).find((key) => array instanceof TYPES[key]);
  if (type) return { name, type, length: array.length };
  throw new ArgumentError(
    `${who}: array '${name}' must be one of ${Object.keys(TYPES).join(', ')}, got ${Object.prototype.toString.call(array)}. Convert it first.`,
  );
}

function byteLength({ type, length }: ArrayRecord): number {
  return length * TYPES[type].BYTES_PER_ELEMENT;
}

function align(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}
