/**
 * A compressed model in one file: safetensors with packed codes as bytes, scales in half precision, what was not quantised
 * in half or single precision, the topology as gzipped JSON, and a checksum of every byte.
 */
import { ArgumentError, DataError, OckhamError } from '@ockham/core';
import {
  gunzip,
  gzip,
  parseJson,
  readSafetensors,
  readSafetensorsMetadata,
  sha256,
  toFloat16,
  fromFloat16,
  writeSafetensors,
  type NamedArray,
} from '@ockham/core/files';
import { checkPackedMatrix, type PackedMatrix } from '@ockham/core/kernels';
import { modelFromFile, nameLoadedActivation } from '@ockham/core/models';
import { variableOf } from '@ockham/core/training';
import { serialization, tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkEngine } from './check-engine.ts';
import { quantizedLayers, holdingModel, isHalf } from './compressed-model.ts';
import { checkMatrixShape, type MatrixShape } from './layers/matrix-shape.ts';

const FORMAT = 'ockham-compressed';
/** Raised when a reader of the version before could not read the file. */
const VERSION = '1';
const TOPOLOGY = 'topology.json.gz';
const MOST_TOPOLOGY = 2 ** 26; // bytes; that of a model of a thousand layers takes one
/** Stands in the place of the checksum while it is computed. */
const BLANK = '0'.repeat(64);
const MARK = '"sha256":"';

/**
 * Writes a compressed model as one file in memory. What is packed stays packed; other weights take half precision where
 * it holds every value exactly, as `compress` sees to.
 *
 * @param model Of `compress`; unchanged.
 * @throws ArgumentError for a model without packed weights.
 *
 * @example
 * const bytes = await encodeCompressed(small);
 * const again = await decodeCompressed(bytes);
 */
export async function encodeCompressed(model: LayersModel): Promise<Uint8Array> {
  const arrays = new Map<string, NamedArray>();
  const single = new Set<string>();
  const packedLayers = quantizedLayers(model);
  if (packedLayers.length === 0) {
    throw new ArgumentError(
      `encodeCompressed: ${model.name} has no packed weights. Compress it first, or use model.save.`,
    );
  }
  const topology = new TextEncoder().encode(JSON.stringify(model.toJSON(null, false)));
  const zipped = await gzip(topology);
  arrays.set(TOPOLOGY, { shape: [zipped.length], values: zipped });
  for (const [path, layer] of packedLayers) {
    for (const [name, matrix] of layer.packed()) {
      for (const [part, array] of partsOf(matrix)) arrays.set(`${path}/${name}.${part}`, array);
    }
  }
  for (const weight of model.weights) {
    const values = (await weight.read().data<'float32'>()).slice();
    if (!isHalf(values)) single.add(weight.originalName);
    arrays.set(weight.originalName, { shape: weight.shape as number[], values });
  }
  const bytes = writeSafetensors(arrays, {
    float: (name) => (single.has(name) ? 'F32' : 'F16'),
    metadata: { format: FORMAT, version: VERSION, sha256: BLANK },
  });
  const at = placeOfChecksum(bytes);
  bytes.set(new TextEncoder().encode(await sha256(bytes)), at);
  return bytes;
}

/**
 * Reads what {@link encodeCompressed} wrote, in Node and in the browser. Packed weights go to memory as they are. The model
 * is handed over whole or not at all.
 *
 * @param who Names the file or caller in errors.
 * @throws DataError `corrupt-file` for a changed, missing or foreign byte or a matrix out of range, `checkpoint-mismatch` for a
 *   version that is not known; OckhamError `engine-differs` where the engine's products are wrong.
 *
 * @example
 * const bytes = new Uint8Array(await (await fetch('model.safetensors')).arrayBuffer());
 * const model = await decodeCompressed(bytes);
 */
export async function decodeCompressed(bytes: Uint8Array, who = 'decodeCompressed'): Promise<LayersModel> {
  await checkWhole(bytes, who);
  const arrays = readSafetensors(bytes, who);
  const zipped = arrays.get(TOPOLOGY);
  if (!(zipped?.values instanceof Uint8Array)) throw corrupt(who, 'it has no topology');
  const text = new TextDecoder().decode(await gunzip(zipped.values, who, MOST_TOPOLOGY));
  arrays.delete(TOPOLOGY);
  let model: LayersModel | undefined;
  try {
    const topology = parseJson(text, `${who}: the topology`) as Topology;
    const matrices = matricesOf(topology.config, arrays); // before anything is built
    nameLoadedActivation();
    let numbers = 0;
    for (const { values } of arrays.values()) numbers += values.length;
    model = await modelFromFile(who, { modelTopology: topology }, numbers);
    for (const [path, layer] of quantizedLayers(model)) await layer.hold(matrices.get(path)!);
    for (const weight of model.weights) assign(weight, arrays.get(weight.originalName));
    await checkEngine();
    return holdingModel(model);
  } catch (error) {
    model?.dispose();
    if (error instanceof OckhamError && (error.code === 'engine-differs' || error.code === 'corrupt-file'))
      throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new DataError('corrupt-file', `${who}: the model cannot be made from the file: ${message}`, {
      cause: error,
    });
  }
}

/** The checksum first: after it, what is odd was written so. */
async function checkWhole(bytes: Uint8Array, who: string): Promise<void> {
  const at = placeOfChecksum(bytes);
  if (at < 0) throw corrupt(who, `it is no file of encodeCompressed, or its header is damaged`);
  const blanked = new Uint8Array(bytes); // not slice(): of a Node Buffer that is a view
  blanked.set(new TextEncoder().encode(BLANK), at);
  const written = new TextDecoder().decode(bytes.subarray(at, at + BLANK.length));
  const found = await sha256(blanked);
  if (found !== written)
    throw corrupt(who, `its bytes must agree with its SHA-256, and do not: it was cut off or altered`);
  const { format, version } = readSafetensorsMetadata(bytes, who);
  if (format !== FORMAT) throw corrupt(who, `its format must be ${FORMAT}, got ${format}`);
  if (version !== VERSION) {
    throw new DataError(
      'checkpoint-mismatch',
      `${who}: the file must be of version ${VERSION}, got ${version}. Update @ockham/deepspeed-lite.`,
    );
  }
}

/** Where the checksum's 64 digits start, −1 where there are none. */
function placeOfChecksum(bytes: Uint8Array): number {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 1024)); // metadata is the header's first entry
  const at = head.indexOf(MARK);
  return at < 0 || at + MARK.length + BLANK.length > bytes.length ? -1 : at + MARK.length;
}

function partsOf({ outputs, codes, scales, zeros }: PackedMatrix): [part: string, array: NamedArray][] {
  return [
    ['codes', { shape: [outputs, codes.length / outputs], values: codes }],
    ['scales', { shape: scaleShape(outputs, scales.length), values: fromFloat16(scales) }],
    ...(zeros
      ? [['zeros', { shape: scaleShape(outputs, zeros.length), values: zeros }] as [string, NamedArray]]
      : []),
  ];
}

function scaleShape(outputs: number, count: number): number[] {
  return count === 1 ? [1] : [outputs, count / outputs];
}

/** What a topology says of a layer or a model. */
interface Topology {
  readonly class_name: string;
  readonly config: TopologyConfig;
}

interface TopologyConfig {
  readonly name: string;
  readonly layers?: readonly Topology[];
  readonly matrices?: Readonly<Record<string, MatrixShape>>;
}

/**
 * The packed matrices of every layer by path, checked.
 *
 * @throws ArgumentError, DataError for a layer class that is not registered, a coding or size out of range, or parts that are missing.
 */
function matricesOf(
  config: TopologyConfig,
  arrays: ReadonlyMap<string, NamedArray>,
  prefix = '',
): Map<string, Map<string, PackedMatrix>> {
  const { classNameMap } = serialization.SerializationMap.getMap();
  const found = new Map<string, Map<string, PackedMatrix>>();
  for (const { class_name: className, config: own } of config.layers ?? []) {
    const path = `${prefix}${own.name}`;
    if (!Object.hasOwn(classNameMap, className))
      throw new ArgumentError(
        `the class ${className} of ${path} is not registered. Import the module that defines it.`,
      );
    if (own.layers) for (const [at, inner] of matricesOf(own, arrays, `${path}/`)) found.set(at, inner);
    if (!own.matrices) continue;
    const shapes = Object.entries(own.matrices);
    found.set(
      path,
      new Map(shapes.map(([name, shape]) => [name, matrixOf(`${path}/${name}`, shape, arrays)])),
    );
  }
  return found;
}

function matrixOf(name: string, shape: MatrixShape, arrays: ReadonlyMap<string, NamedArray>): PackedMatrix {
  checkMatrixShape(name, shape);
  const { coding, outputs, inputs, group, zeros: asymmetric } = shape;
  const [codes, scales, zeros] = ['codes', 'scales', 'zeros'].map(
    (part) => arrays.get(`${name}.${part}`)?.values,
  );
  if (
    !(codes instanceof Uint8Array && scales instanceof Float32Array) ||
    asymmetric !== zeros instanceof Uint8Array
  )
    throw new ArgumentError(`the packed matrix ${name} is not complete`);
  const matrix: PackedMatrix = {
    ...{ coding, outputs, inputs, group, codes },
    scales: toFloat16(scales),
    ...(zeros instanceof Uint8Array && { zeros }),
  };
  checkPackedMatrix(name, matrix);
  return matrix;
}

function assign(weight: LayersModel['weights'][number], array: NamedArray | undefined): void {
  const { originalName: name, shape } = weight;
  if (!(array?.values instanceof Float32Array) || String(array.shape) !== String(shape))
    throw new ArgumentError(
      `the weight ${name} must be [${shape.join(', ')}], got ${array ? `[${array.shape.join(', ')}]` : 'none'}`,
    );
  tidy(() => variableOf(weight).assign(tensor(array.values as Float32Array, [...array.shape])));
}

function corrupt(who: string, what: string): DataError {
  return new DataError('corrupt-file', `${who}: ${what}. Download or export the file again.`);
}
