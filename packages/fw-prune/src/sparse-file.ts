/**
 * A pruned model in one sparse file: topology, and each weight in the smallest of four encodings.
 */
import { ArgumentError, DataError } from '@ockham/core';
import { decodeSnapshot, encodeSnapshot, fromFloat16, toFloat16 } from '@ockham/core/files';
import { modelFromFile } from '@ockham/core/models';
import type { Snapshot } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { decodeSparse, encodeSparse, sparseFormats, type SparseFormat } from './sparse-encoding.ts';

const KIND = 'ockham-sparse-model';

/** Options of {@link encodeSparseModel}. */
export interface SparseFileOptions {
  /**
   * How non-zero values are kept. `float32` (default) gives every bit back; `float16` halves the values, rounding
   * each to the nearest half (relative error ≤ 2⁻¹¹ for magnitudes from 6·10⁻⁵ to 65,504).
   */
  readonly values?: 'float32' | 'float16';
  /** One encoding for all weights, or the smallest for each. Default `auto`. */
  readonly format?: SparseFormat | 'auto';
}

/** What a file spends on one weight. */
export interface EncodedWeight {
  /** Of the weight, in the model. */
  readonly name: string;
  /** Of the weight. */
  readonly shape: readonly number[];
  /** How the places of its non-zeros are written. */
  readonly format: SparseFormat;
  /** Values that are not 0. */
  readonly nonZeros: number;
  /** Index and values together. */
  readonly bytes: number;
}

/** A model as bytes, and where they went. */
export interface SparseFile {
  /** The whole file. */
  readonly bytes: Uint8Array;
  /** What each weight takes of it. */
  readonly weights: readonly EncodedWeight[];
  /** Bytes of the same weights as dense float32, without topology. */
  readonly denseBytes: number;
}

interface Header {
  kind: string;
  values: 'float32' | 'float16';
  topology: unknown;
  weights: { name: string; shape: number[]; format: SparseFormat }[];
}

/**
 * Writes a model, pruned or not, as one sparse file in memory.
 *
 * At 95 % sparsity LeNet-300-100 takes a sixteenth of its dense float32 weights or less, header included.
 *
 * @param model Unchanged. Custom layers must be registered with TensorFlow.js to be read back.
 * @throws ArgumentError for a weight that float16 cannot hold, or that is not float32.
 *
 * @example
 * const { bytes, denseBytes } = await encodeSparseModel(pruned, { values: 'float16' });
 * const again = await decodeSparseModel(bytes);
 */
export async function encodeSparseModel(
  model: LayersModel,
  options: SparseFileOptions = {},
): Promise<SparseFile> {
  const { values = 'float32', format = 'auto' } = options;
  const topology = model.toJSON(null, false);
  const header: Header = { kind: KIND, values, topology, weights: [] };
  const arrays: Record<string, Uint8Array> = {};
  const weights: EncodedWeight[] = [];
  let denseBytes = 0;
  for (const [i, weight] of model.weights.entries()) {
    const tensor = weight.read();
    if (tensor.dtype !== 'float32') {
      throw new ArgumentError(
        `encodeSparseModel: weights must be float32, got ${tensor.dtype} in ${weight.name}.`,
      );
    }
    const dense = (await tensor.data()) as Float32Array;
    const name = weight.originalName;
    const encoding = smallest(dense, tensor.shape.at(-1) ?? 1, format, values === 'float16' ? 2 : 4);
    const packed = values === 'float16' ? halves(encoding.values, name) : encoding.values;
    arrays[`${i}.index`] = encoding.index;
    arrays[`${i}.values`] = new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength);
    header.weights.push({ name, shape: tensor.shape, format: encoding.format });
    denseBytes += dense.length * 4;
    weights.push({
      name,
      shape: tensor.shape,
      format: encoding.format,
      nonZeros: dense.reduce((count, v) => count + Number(v !== 0), 0),
      bytes: encoding.index.byteLength + packed.byteLength,
    });
  }
  return {
    bytes: encodeSnapshot({ meta: header as unknown as Record<string, unknown>, arrays }),
    weights,
    denseBytes,
  };
}

/** Options of {@link decodeSparseModel}. */
export interface DecodeSparseOptions {
  /** Weights that the model may have: zeros take no bytes in the file, so that a small one can name any number. Default 2²⁸, 1 GiB. */
  readonly most?: number;
}

/**
 * Reads what {@link encodeSparseModel} wrote. float32 files give every weight back to the bit.
 *
 * @throws DataError (`corrupt-file`) for bytes that are truncated, altered or of another kind, or for more than `most` weights.
 */
export async function decodeSparseModel(
  bytes: Uint8Array,
  { most = 2 ** 28 }: DecodeSparseOptions = {},
): Promise<LayersModel> {
  const who = 'decodeSparseModel';
  const snapshot = decodeSnapshot(bytes, who);
  const { values, topology, weights } = readHeader(who, snapshot.meta);
  const lengths = weights.map(({ shape }) => shape.reduce((product, d) => product * d, 1));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (!(total <= most))
    throw corrupt(
      who,
      `it has ${total} weights, above the limit of ${most}. Raise \`most\` for a file that you trust`,
    );
  const weightData = new Float32Array(total);
  let at = 0;
  for (const [i, { name, shape, format }] of weights.entries()) {
    const length = lengths[i]!;
    try {
      const encoding = {
        format,
        index: partOf(snapshot, `${i}.index`),
        values: numbersOf(snapshot, i, values),
      };
      weightData.set(decodeSparse(encoding, length, shape.at(-1) ?? 1), at);
    } catch (cause) {
      throw corrupt(who, `the weight ${name} is damaged`, cause);
    }
    at += length;
  }
  const weightSpecs = weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' as const }));
  return modelFromFile(
    who,
    { modelTopology: topology as object, weightSpecs, weightData: weightData.buffer },
    total,
  );
}

function readHeader(who: string, { kind, values, topology, weights }: Partial<Header>): Header {
  if (kind !== KIND) {
    throw new DataError(
      'corrupt-file',
      `${who}: the file is not a sparse model but ${JSON.stringify(kind)?.slice(0, 200)}. Pass a file of encodeSparseModel.`,
    );
  }
  const known = (weight: Partial<Header['weights'][number]> | null): boolean =>
    typeof weight?.name === 'string' &&
    sparseFormats.includes(weight.format!) &&
    Array.isArray(weight.shape) &&
    weight.shape.every((d) => Number.isSafeInteger(d) && d >= 0);
  if ((values === 'float32' || values === 'float16') && Array.isArray(weights) && weights.every(known))
    return { kind, values, topology, weights };
  throw corrupt(who, 'its header needs a name, a shape and a known format of each weight');
}

function numbersOf(snapshot: Snapshot, i: number, values: Header['values']): Float32Array {
  const { buffer } = partOf(snapshot, `${i}.values`).slice();
  return values === 'float16' ? fromFloat16(new Uint16Array(buffer)) : new Float32Array(buffer);
}

function partOf({ arrays }: Snapshot, name: string): Uint8Array<ArrayBuffer> {
  const part = arrays[name];
  if (part instanceof Uint8Array) return part as Uint8Array<ArrayBuffer>;
  throw new RangeError(`${name} is absent`);
}

function corrupt(who: string, what: string, cause?: unknown): DataError {
  return new DataError('corrupt-file', `${who}: ${what}. Save the model again.`, { cause });
}

function smallest(dense: Float32Array, columns: number, format: SparseFormat | 'auto', valueBytes: number) {
  const candidates = (format === 'auto' ? (['dense', 'gaps', 'bitmap', 'csr'] as const) : [format]).map(
    (each) => encodeSparse(dense, columns, each),
  );
  const size = (e: (typeof candidates)[number]) => e.index.byteLength + e.values.length * valueBytes;
  return candidates.reduce((best, each) => (size(each) < size(best) ? each : best));
}

function halves(values: Float32Array, name: string): Uint16Array {
  const bad = values.find((v) => Number.isFinite(v) && Math.abs(v) >= 65520);
  if (bad !== undefined) {
    throw new ArgumentError(
      `encodeSparseModel: float16 holds magnitudes up to 65,504, got ${bad} in ${name}. Use values: 'float32'.`,
    );
  }
  return toFloat16(values);
}
