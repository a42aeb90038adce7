import { ArgumentError, DataError, OckhamError } from '@ockham/core';
import {
  parseJson,
  readSafetensors,
  readSafetensorsMetadata,
  type NamedArray,
  type NamedArrays,
} from '@ockham/core/files';
import { serialization, tensor, tidy } from '@tensorflow/tfjs-core';
import { FrozenEmbedding } from '../fit/frozen-embedding.ts';
import { readyLayer } from '../fit/ready-layer.ts';
import { CompressedEmbedding } from '../layers/index.ts';
import { FORMAT } from './encode-table.ts';

/** What a table must be for. */
export interface DecodeTableOptions {
  /** Refuses a table of another number of tokens. */
  readonly vocabulary?: number;
  /** Refuses a table of another width. */
  readonly dimension?: number;
  /** Refuses a table that was written with another `vocabularyPrint`, or with none. */
  readonly print?: string;
  /** The tokeniser's words, which an `EelbertEmbedding` needs. */
  readonly words?: readonly string[];
  /** Name of the layer. Default: as it was saved. */
  readonly name?: string;
  /**
   * Numbers that the plain table may have, vocabulary × dimension, and the slots of a hashed one, vocabulary × hashes: they take
   * memory that a small file can name. Default 2²⁸.
   */
  readonly most?: number;
}

const MOST_HASHES = 1024;

/**
 * Reads a table that `encodeTable` wrote.
 *
 * @returns The layer, built and with its weights; the caller disposes of it.
 * @throws DataError `checkpoint-mismatch` for another vocabulary or width than asked for, `corrupt-file` for a file that is
 *   damaged or no table.
 * @throws ArgumentError where an `EelbertEmbedding` is read without its words.
 *
 * @example
 * const words = decodeTable(bytes, { vocabulary: 30522 });
 */
export function decodeTable(bytes: Uint8Array, options: DecodeTableOptions = {}): CompressedEmbedding {
  const who = 'decodeTable';
  const metadata = readSafetensorsMetadata(bytes, who);
  if (metadata['format'] !== FORMAT) {
    throw corrupt(who, `the file must say format ${FORMAT}, got ${metadata['format'] ?? 'none'}`);
  }
  const arrays = readSafetensors(bytes, who);
  const config = parse(who, metadata['config']);
  checkWanted(who, config, metadata['vocabulary'], options);
  const heavy = arrays.get('heavyHitters');
  const seed = arrays.get('seed');
  const full = {
    ...config,
    ...(heavy && { heavyHitters: Array.from(heavy.values as Int32Array, Number) }),
    ...(seed && { seed: Number(seed.values[0]) }),
    ...(options.name !== undefined && { name: options.name }),
    ...(options.words && metadata['class'] === 'EelbertEmbedding' && { words: [...options.words] }),
  };
  if (metadata['class'] === 'EelbertEmbedding' && !options.words) {
    throw new ArgumentError(`${who}: an EelbertEmbedding hashes words. Pass the tokeniser's words.`);
  }
  checkSizes(who, full, options.most ?? 2 ** 28);
  const layer = build(who, metadata['class'] ?? 'none', full, numbersOf(arrays));
  try {
    if (layer instanceof FrozenEmbedding) setCodes(who, layer, arrays);
    else setWeights(who, layer, arrays);
  } catch (cause) {
    layer.dispose();
    if (cause instanceof OckhamError) throw cause;
    throw corrupt(who, `its arrays do not fit: ${(cause as Error).message}`, cause);
  }
  return layer;
}

/** @param numbers As many as the file has: a layer that needs more is refused before it takes memory. */
function build(
  who: string,
  name: string,
  config: serialization.ConfigDict,
  numbers: number,
): CompressedEmbedding {
  const { classNameMap } = serialization.SerializationMap.getMap();
  const known = Object.hasOwn(classNameMap, name) ? classNameMap[name] : undefined;
  if (!known || !(known[0].prototype instanceof CompressedEmbedding)) {
    throw corrupt(
      who,
      `the class must be a compressed embedding that is registered, got ${name.slice(0, 100)}`,
    );
  }
  let layer: CompressedEmbedding | undefined;
  try {
    layer = known[1](known[0], config) as CompressedEmbedding;
    if (!(layer.parameters <= numbers)) {
      throw new ArgumentError(`it needs ${layer.parameters} numbers, and the file has ${numbers}`);
    }
    const made = layer;
    tidy(() => readyLayer(made)); // initial values of a shape that cannot be
  } catch (cause) {
    for (const weight of layer?.weights ?? []) weight.dispose(); // those made before it failed
    throw corrupt(who, `the configuration is refused: ${(cause as Error).message}`, cause);
  }
  return layer;
}

function numbersOf(arrays: NamedArrays): number {
  let sum = 0;
  for (const { values } of arrays.values()) sum += values.length;
  return sum;
}

function checkSizes(who: string, config: Readonly<Record<string, unknown>>, most: number): void {
  const { vocabulary, dimension, hashes = 1 } = config as Readonly<Record<string, number>>;
  const sound = [vocabulary, dimension, hashes].every((n) => Number.isSafeInteger(n) && n! >= 1);
  const slots = vocabulary! * hashes * (1 + dimension! / 32); // a bit for each coordinate's sign
  if (sound && hashes <= MOST_HASHES && vocabulary! * dimension! <= most && slots <= most) return;
  throw corrupt(
    who,
    `vocabulary × dimension and × hashes must be counts of at most ${most} in all, hashes at most ${MOST_HASHES}, got ${[vocabulary, dimension, hashes].map((n) => JSON.stringify(n)?.slice(0, 40)).join(', ')}`,
  );
}

function setWeights(who: string, layer: CompressedEmbedding, arrays: NamedArrays): void {
  tidy(() => {
    const values = layer.weights.map((weight) => {
      const name = weight.originalName.split('/').at(-1)!;
      const array = arrayOf(who, arrays, name, weight.shape as number[]);
      if (!(array.values instanceof Float32Array || array.values instanceof Int32Array))
        throw corrupt(who, `'${name}' must be of 32-bit numbers`);
      return tensor(array.values, [...array.shape], weight.dtype);
    });
    layer.setWeights(values);
  });
}

function setCodes(who: string, layer: FrozenEmbedding, arrays: NamedArrays): void {
  const [codes, floats] = [...layer.storedArrays()]
    .sort(([a], [b]) => Number(b === 'codes') - Number(a === 'codes'))
    .map(([name, { shape }]) => arrayOf(who, arrays, name, shape).values) as [
    Int8Array | Uint8Array,
    Float32Array,
  ];
  if (!(codes instanceof Int8Array || codes instanceof Uint8Array) || !(floats instanceof Float32Array))
    throw corrupt(who, 'codes must be bytes, and what decodes them float32');
  layer.setTable(new Uint8Array(codes.buffer, codes.byteOffset, codes.length), floats);
}

function arrayOf(who: string, arrays: NamedArrays, name: string, shape: readonly number[]): NamedArray {
  const array = arrays.get(name);
  if (array && String(array.shape) === String(shape)) return array;
  throw corrupt(
    who,
    `'${name}' must be of shape [${shape.join(', ')}], got ${array ? `[${array.shape.join(', ')}]` : 'none'}`,
  );
}

function checkWanted(
  who: string,
  config: Readonly<Record<string, unknown>>,
  print: string | undefined,
  options: DecodeTableOptions,
): void {
  for (const key of ['vocabulary', 'dimension'] as const) {
    const wanted = options[key];
    if (wanted === undefined || config[key] === wanted) continue;
    throw mismatch(`${who}: the table must have ${key} = ${wanted}, got ${String(config[key])}.`);
  }
  if (options.print === undefined || options.print === print) return;
  throw mismatch(
    `${who}: the table must be of the vocabulary ${options.print}, got ${print ?? 'one of no print'}.`,
  );
}

function mismatch(message: string): DataError {
  return new DataError(
    'checkpoint-mismatch',
    `${message} Use the vocabulary that the table was made with, or fit a table again.`,
  );
}

function parse(who: string, text: string | undefined): serialization.ConfigDict {
  const config = parseJson(text ?? '', `${who}: the configuration`);
  if (typeof config === 'object' && config !== null && !Array.isArray(config))
    return config as serialization.ConfigDict;
  throw corrupt(who, 'the configuration of the table is no JSON object');
}

function corrupt(who: string, what: string, cause?: unknown): DataError {
  return new DataError('corrupt-file', `${who}: ${what}. Write the table again by encodeTable.`, { cause });
}
