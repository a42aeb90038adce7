import { DataError } from '../errors.ts';
import { atMost, MOST_UNPACKED } from './gzip.ts';
import type { ArrayValues, NamedArray, NamedArrays } from './named-array.ts';

const MOST_HEADER = 10_000; // NumPy's own limit
const MOST_DEFLATED = 1032; // bytes that deflate can make of one

/** Options of {@link readNpz}. */
export interface ReadNpzOptions {
  /** Bytes that all files of the archive may unpack to. Default 1 GiB. */
  readonly most?: number;
}

/**
 * Reads a NumPy `.npz` archive (`np.savez`, `np.savez_compressed`) of little-endian arrays; column-major ones,
 * such as a saved transpose, become row-major. The names lose their `.npy`; float16 becomes float32, bool 0 and 1.
 *
 * @throws DataError `corrupt-file` where the archive, a CRC-32, or an array is damaged, an array's type is
 *   not numeric, a name stands there twice, or it unpacks to more than the limit.
 */
export async function readNpz(
  bytes: Uint8Array,
  who = 'readNpz',
  { most = MOST_UNPACKED }: ReadNpzOptions = {},
): Promise<NamedArrays> {
  const arrays: NamedArrays = new Map();
  for (const [name, content] of await unzip(bytes, who, most)) {
    if (name.endsWith('.npy')) arrays.set(name.slice(0, -4), await readNpy(content, `${who}: ${name}`));
  }
  return arrays;
}

/** Reads one NumPy `.npy` file, as {@link readNpz} does. @throws DataError `corrupt-file`. */
export async function readNpy(bytes: Uint8Array, who = 'readNpy'): Promise<NamedArray> {
  const { parse } = await import('npyjs');
  checkHeader(bytes, who);
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(new Uint8Array(bytes).buffer);
  } catch (cause) {
    throw corrupt(
      who,
      `no readable .npy file (${cause instanceof Error ? cause.message : String(cause)})`,
      cause,
    );
  }
  const { shape, dtype, fortranOrder } = parsed;
  const values = Array.isArray(parsed.data) ? booleans(parsed.data) : (parsed.data as ArrayValues);
  if (!shape.every((d) => Number.isSafeInteger(d) && d >= 0)) {
    throw corrupt(who, `a shape must be of integers ≥ 0, got [${shape.join(', ')}]`);
  }
  const expected = shape.reduce((product, d) => product * d, 1);
  if (values === undefined || /^[cU]/.test(dtype)) {
    throw corrupt(who, `the type must be a real number or a boolean, got ${dtype}`);
  }
  if (values.length !== expected) {
    throw corrupt(who, `shape [${shape.join(', ')}] needs ${expected} values, got ${values.length}`);
  }
  return { shape, values: fortranOrder && shape.length > 1 ? toRowMajor(values, shape) : values };
}

/** The parser searches the header by patterns that take the square of its length. */
function checkHeader(bytes: Uint8Array, who: string): void {
  if (bytes.length < 12) return; // the parser says so
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes[6]! <= 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MOST_HEADER || length > bytes.length) {
    throw corrupt(who, `a header has ${MOST_HEADER} bytes at most, got ${length} in ${bytes.length}`);
  }
}

async function unzip(bytes: Uint8Array, who: string, most: number): Promise<[string, Uint8Array][]> {
  const { Uint8ArrayReader, ZipReader } = await import('@zip.js/zip.js');
  // Workers would need a script address of their own in every bundler.
  const reader = new ZipReader(new Uint8ArrayReader(bytes), {
    useWebWorkers: false,
    checkSignature: true,
    checkOverlappingEntry: true, // entries that share their bytes make a small archive large
  });
  try {
    const files = new Map<string, Uint8Array>();
    let left = most;
    for (const entry of await reader.getEntries()) {
      if (entry.directory) continue;
      const { filename: name, uncompressedSize: size, compressedSize } = entry;
      left -= size;
      if (!(left >= 0))
        throw corrupt(who, `${name} would unpack to ${size} bytes, above the limit of ${most} for all`);
      if (size > MOST_DEFLATED * (compressedSize + 1))
        throw corrupt(who, `${name} cannot hold the ${size} bytes that it claims`);
      if (files.has(name)) throw corrupt(who, `${name} is there twice`);
      const { readable, writable } = atMost(size, `${who}: ${name}`);
      const [content] = await Promise.all([
        new Response(readable as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
        entry.getData(writable),
      ]);
      files.set(name, new Uint8Array(content));
    }
    return [...files];
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw corrupt(
      who,
      `no whole zip archive (${cause instanceof Error ? cause.message : String(cause)})`,
      cause,
    );
  } finally {
    await reader.close();
  }
}

function toRowMajor(columnMajor: ArrayValues, shape: readonly number[]): ArrayValues {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, d) => product * d, 1));
  const rowMajor = columnMajor.slice();
  const index = shape.map(() => 0);
  for (let i = 0; i < rowMajor.length; i++) {
    rowMajor[i] = columnMajor[index.reduce((from, at, axis) => from + at * strides[axis]!, 0)]!;
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
  return rowMajor;
}

function booleans(data: readonly unknown[]): Uint8Array | undefined {
  return data.every((value) => typeof value === 'boolean') ? Uint8Array.from(data, Number) : undefined;
}

function corrupt(who: string, what: string, cause?: unknown): DataError {
  return new DataError('corrupt-file', `${who}: ${what}. Download or export the file again.`, { cause });
}
