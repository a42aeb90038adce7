import { DataError } from '../errors.ts';
import type { ArrayValues, NamedArray, NamedArrays } from './named-array.ts';

/**
 * Reads a NumPy `.npz` archive (`np.savez`, `np.savez_compressed`) of little-endian arrays; column-major ones,
 * such as a saved transpose, become row-major. The names lose their `.npy`; float16 becomes float32, bool 0 and 1.
 *
 * @throws DataError `corrupt-file` where the archive, a CRC-32, or an array is damaged, or an array's type is
 *   not numeric.
 */
export async function readNpz(bytes: Uint8Array, who = 'readNpz'): Promise<NamedArrays> {
  const arrays: NamedArrays = new Map();
  for (const [name, content] of await unzip(bytes, who)) {
    if (name.endsWith('.npy')) arrays.set(name.slice(0, -4), await readNpy(content, `${who}: ${name}`));
  }
  return arrays;
}

/** Reads one NumPy `.npy` file, as {@link readNpz} does. @throws DataError `corrupt-file`. */
export async function readNpy(bytes: Uint8Array, who = 'readNpy'): Promise<NamedArray> {
  const { parse } = await import('npyjs');
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
  const expected = shape.reduce((product, d) => product * d, 1);
  if (values === undefined || /^[cU]/.test(dtype)) {
    throw corrupt(who, `the type must be a real number or a boolean, got ${dtype}`);
  }
  if (values.length !== expected) {
    throw corrupt(who, `shape [${shape.join(', ')}] needs ${expected} values, got ${values.length}`);
  }
  return { shape, values: fortranOrder && shape.length > 1 ? toRowMajor(values, shape) : values };
}

async function unzip(bytes: Uint8Array, who: string): Promise<[string, Uint8Array][]> {
  const { Uint8ArrayReader, Uint8ArrayWriter, ZipReader } = await import('@zip.js/zip.js');
  // Workers would need a script address of their own in every bundler.
  const reader = new ZipReader(new Uint8ArrayReader(bytes), { useWebWorkers: false, checkSignature: true });
  try {
    const files: [string, Uint8Array][] = [];
    for (const entry of await reader.getEntries()) {
      if (!entry.directory) files.push([entry.filename, await entry.getData(new Uint8ArrayWriter())]);
    }
    return files;
  } catch (cause) {
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
