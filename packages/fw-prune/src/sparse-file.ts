/**
 * A pruned model in one sparse file: topology, and each weight in the smallest of four encodings.
 */
import { ArgumentError, DataError } from '@ockham/core';
import { decodeSnapshot, encodeSnapshot, fromFloat16, toFloat16 } from '@ockham/core/files';
import type { io } from '@tensorflow/tfjs-core';
import { loadLayersModel, type LayersModel } from '@tensorflow/tfjs-layers';
import { decodeSparse, encodeSparse, type SparseFormat } from './sparse-encoding.ts';

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

/**
 * Reads what {@link encodeSparseModel} wrote. float32 files give every weight back to the bit.
 *
 * @throws DataError (`corrupt-file`) for bytes that are truncated, altered or of another kind.
 */
export async function decodeSparseModel(bytes: Uint8Array): Promise<LayersModel> {
  const who = 'decodeSparseModel';
  const snapshot = decodeSnapshot(bytes, who);
  const header = snapshot.meta as unknown as Header;
  if (header.kind !== KIND) {
    throw new DataError(
      'corrupt-file',
      `${who}: the file is not a sparse model but ${JSON.stringify(header.kind)}. Pass a file of encodeSparseModel.`,
    );
  }
  const arrays = header.weights.map(({ name, shape, format }, i) => {
    const length = shape.reduce((product, d) => product * d, 1);
    const raw = (snapshot.arrays[`${i}.values`] as Uint8Array).slice();
    const values =
      header.values === 'float16' ? fromFloat16(new Uint16Array(raw.buffer)) : new Float32Array(raw.buffer);
    try {
      return decodeSparse(
        { format, index: snapshot.arrays[`${i}.index`] as Uint8Array, values },
        length,
        shape.at(-1) ?? 1,
      );
    } catch (error) {
      throw new DataError('corrupt-file', `${who}: the weight ${name} is damaged. Save the model again.`, {
        cause: error,
      });
    }
  });
  const weightData = new Uint8Array(arrays.reduce((sum, a) => sum + a.byteLength, 0));
  let at = 0;
  for (const array of arrays) {
    weightData.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at += array.byteLength;
  }
  const artifacts: io.ModelArtifacts = {
    modelTopology: header.topology as object,
    weightSpecs: header.weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })),
    weightData: weightData.buffer,
  };
  return loadLayersModel({ load: async () => artifacts });
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
