import { ArgumentError, DataError } from '../errors.ts';
import { fromBfloat16, toBfloat16 } from './bfloat16.ts';
import { fromFloat16, toFloat16 } from './float16.ts';
import type { ArrayValues, NamedArray, NamedArrays } from './named-array.ts';
import { parseJson } from './parse-json.ts';

const PREAMBLE = 8; // the header's length, 64-bit little-endian
const MAX_HEADER = 100_000_000; // the format's own limit

const READERS: Readonly<Record<string, { bytes: number; read: (buffer: ArrayBuffer) => ArrayValues }>> = {
  F64: { bytes: 8, read: (buffer) => new Float64Array(buffer) },
  F32: { bytes: 4, read: (buffer) => new Float32Array(buffer) },
  F16: { bytes: 2, read: (buffer) => fromFloat16(new Uint16Array(buffer)) },
  BF16: { bytes: 2, read: (buffer) => fromBfloat16(new Uint16Array(buffer)) },
  I64: { bytes: 8, read: (buffer) => new BigInt64Array(buffer) },
  U64: { bytes: 8, read: (buffer) => new BigUint64Array(buffer) },
  I32: { bytes: 4, read: (buffer) => new Int32Array(buffer) },
  U32: { bytes: 4, read: (buffer) => new Uint32Array(buffer) },
  I16: { bytes: 2, read: (buffer) => new Int16Array(buffer) },
  U16: { bytes: 2, read: (buffer) => new Uint16Array(buffer) },
  I8: { bytes: 1, read: (buffer) => new Int8Array(buffer) },
  U8: { bytes: 1, read: (buffer) => new Uint8Array(buffer) },
  BOOL: { bytes: 1, read: (buffer) => new Uint8Array(buffer) },
};

/**
 * Reads a `.safetensors` file: the header's length, a JSON header with type, shape and position of each array,
 * then the values, little-endian. Arrays are copies; `F16` and `BF16` become float32, `BOOL` 0 and 1.
 *
 * @throws DataError `corrupt-file` where the header, a shape or a position does not fit the file.
 */
export function readSafetensors(bytes: Uint8Array, who = 'readSafetensors'): NamedArrays {
  const header = readHeader(bytes, who);
  const data = bytes.subarray(PREAMBLE + header.length);
  const arrays: NamedArrays = new Map();
  const ranges: [start: number, end: number][] = [];
  for (const [name, record] of Object.entries(header.records)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, offsets } = checkRecord(name, record, who);
    const reader = READERS[dtype];
    if (!reader)
      throw corrupt(who, `'${name}' is of type ${dtype}, known are ${Object.keys(READERS).join(', ')}`);
    const [start, end] = offsets;
    const expected = shape.reduce((product, d) => product * d, 1) * reader.bytes;
    if (end - start !== expected || end > data.length) {
      throw corrupt(
        who,
        `'${name}' ${dtype} [${shape.join(', ')}] needs ${expected} bytes inside ${data.length}, got ${start} to ${end}`,
      );
    }
    // Not slice(): of a Node Buffer that is a view.
    arrays.set(name, { shape, values: reader.read(new Uint8Array(data.subarray(start, end)).buffer) });
    ranges.push(offsets);
  }
  let covered = 0; // the format forbids holes and overlaps, where something could hide
  for (const [start, end] of ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (start !== covered)
      throw corrupt(who, `an array starts at ${start} where the one before ends at ${covered}`);
    covered = end;
  }
  if (covered !== data.length) {
    throw corrupt(who, `the arrays end at ${covered} and the file ${data.length} bytes after its header`);
  }
  return arrays;
}

/**
 * What the writer of a `.safetensors` file kept under `__metadata__`, texts by name; empty where there is none.
 *
 * @throws DataError `corrupt-file` where the header or the metadata cannot be read.
 */
export function readSafetensorsMetadata(
  bytes: Uint8Array,
  who = 'readSafetensorsMetadata',
): Readonly<Record<string, string>> {
  const { __metadata__: metadata = {} } = readHeader(bytes, who).records;
  const isRecord = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
  if (isRecord && Object.values(metadata).every((value) => typeof value === 'string')) {
    return metadata as Record<string, string>;
  }
  throw corrupt(who, `__metadata__ must be texts by name, got ${JSON.stringify(metadata)}`);
}

/** How float32 values are stored. */
export type FloatType = 'F32' | 'F16' | 'BF16';

/** How to write. */
export interface SafetensorsOptions {
  /**
   * Type of the values of every `Float32Array`, or of each by its name. `F16` and `BF16` round to nearest. Default
   * `F32`.
   */
  readonly float?: FloatType | ((name: string) => FloatType);
  /** Kept under `__metadata__`. Default: none. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes arrays as a `.safetensors` file, in their order.
 *
 * @throws ArgumentError where a shape does not fit its values.
 */
export function writeSafetensors(
  arrays: ReadonlyMap<string, NamedArray>,
  { float = 'F32', metadata }: SafetensorsOptions = {},
): Uint8Array {
  const records: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { shape, values }] of arrays) {
    const expected = shape.reduce((product, d) => product * d, 1);
    if (values.length !== expected || name === '__metadata__') {
      throw new ArgumentError(
        `writeSafetensors: '${name}' of shape [${shape.join(', ')}] needs ${expected} values and a name other than ` +
          `__metadata__, got ${values.length} values. Correct the shape or the name.`,
      );
    }
    const { dtype, stored } = toStored(values, typeof float === 'function' ? float(name) : float);
    const part = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
    records[name] = { dtype, shape, data_offsets: [at, at + part.length] };
    parts.push(part);
    at += part.length;
  }
  const json = new TextEncoder().encode(JSON.stringify(records));
  const length = Math.ceil(json.length / 8) * 8; // spaces keep the data on a multiple of 8
  const bytes = new Uint8Array(PREAMBLE + length + at).fill(0x20, 0, PREAMBLE + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, PREAMBLE);
  let position = PREAMBLE + length;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

function toStored(values: ArrayValues, float: FloatType): { dtype: string; stored: ArrayValues } {
  if (values instanceof Float32Array) {
    if (float === 'F16') return { dtype: 'F16', stored: toFloat16(values) };
    if (float === 'BF16') return { dtype: 'BF16', stored: toBfloat16(values) };
    return { dtype: 'F32', stored: values };
  }
  if (values instanceof Float64Array) return { dtype: 'F64', stored: values };
  if (values instanceof BigInt64Array) return { dtype: 'I64', stored: values };
  if (values instanceof BigUint64Array) return { dtype: 'U64', stored: values };
  const sign = values instanceof Int8Array || values instanceof Int16Array || values instanceof Int32Array;
  return { dtype: `${sign ? 'I' : 'U'}${8 * values.BYTES_PER_ELEMENT}`, stored: values };
}

function readHeader(
  bytes: Uint8Array,
  who: string,
): { length: number; records: Readonly<Record<string, unknown>> } {
  if (bytes.length < PREAMBLE)
    throw corrupt(who, `the file needs ${PREAMBLE} bytes at least, got ${bytes.length}`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER || PREAMBLE + length > bytes.length) {
    throw corrupt(who, `the header is said to have ${length} bytes and the file has ${bytes.length}`);
  }
  let records: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(
      bytes.subarray(PREAMBLE, PREAMBLE + length),
    );
    records = parseJson(text, `${who}: the header`);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw corrupt(who, 'the header is no JSON', cause);
  }
  if (typeof records !== 'object' || records === null || Array.isArray(records)) {
    throw corrupt(who, 'the header must be a JSON object');
  }
  return { length, records: records as Record<string, unknown> };
}

function checkRecord(
  name: string,
  record: unknown,
  who: string,
): { dtype: string; shape: number[]; offsets: [number, number] } {
  const { dtype, shape, data_offsets: offsets } = (record ?? {}) as Record<string, unknown>;
  const counts = (value: unknown): value is number[] =>
    Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0);
  if (typeof dtype === 'string' && counts(shape) && counts(offsets) && offsets.length === 2) {
    return { dtype, shape, offsets: offsets as [number, number] };
  }
  throw corrupt(who, `'${name}' needs a dtype, a shape and two data_offsets, got ${JSON.stringify(record)}`);
}

function corrupt(who: string, what: string, cause?: unknown): DataError {
  return new DataError('corrupt-file', `${who}: ${what}. Download or export the file again.`, { cause });
}
