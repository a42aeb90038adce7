/**
 * A compressed table as a `.safetensors` file: its weights, the ids of its heavy hitters and its seed are the data, of
 * `storedBytes` bytes; the header says the class and its configuration, and the hash functions that the seed stands for, so
 * that a reader needs no random generator.
 */
import { UnsupportedModelError } from '@ockham/core';
import { sha256, writeSafetensors, type NamedArray } from '@ockham/core/files';
import { CountSketchEmbedding, type CompressedEmbedding } from '../layers/index.ts';
import { hashesOf } from '../layers/slots.ts';

/** Says that a file is one of ours, and its version. */
export const FORMAT = 'ockham-embedding-1';

/** Of the configuration: what stands in the data where that has it, and what a model or a tokeniser has. */
const IN_DATA: readonly string[] = ['heavyHitters', 'seed'];
const ELSEWHERE: readonly string[] = ['batchInputShape', 'dtype', 'words'];

/** A layer that says itself what it stores. */
interface StoringLayer {
  storedArrays(): ReadonlyMap<string, NamedArray>;
}

/** Options of {@link encodeTable}. */
export interface EncodeTableOptions {
  /** {@link vocabularyPrint} of the words, which a reader can then ask for. Default: none. */
  readonly print?: string;
}

/**
 * Writes a table. The words of an `EelbertEmbedding` are the tokeniser's and are not written.
 *
 * @returns Bytes of a `.safetensors` file, `layer.storedBytes` after its header.
 * @throws UnsupportedModelError for a layer that has no weights yet.
 *
 * @example
 * const bytes = encodeTable(model.getLayer('embeddings/word_embeddings') as CompressedEmbedding);
 */
export function encodeTable(layer: CompressedEmbedding, { print }: EncodeTableOptions = {}): Uint8Array {
  if (!layer.built) {
    throw new UnsupportedModelError(
      `encodeTable: ${layer.name} has no weights yet. Call it once, or fit it to a table.`,
    );
  }
  const arrays = arraysOf(layer);
  const config = Object.entries(layer.getConfig()).filter(
    ([key]) => !(IN_DATA.includes(key) && arrays.has(key)) && !ELSEWHERE.includes(key),
  );
  const metadata = {
    format: FORMAT,
    class: layer.getClassName(),
    config: JSON.stringify(Object.fromEntries(config)),
    ...(layer instanceof CountSketchEmbedding && { hashes: JSON.stringify(coefficients(layer)) }),
    ...(print !== undefined && { vocabulary: print }),
  };
  return writeSafetensors(arrays, { metadata });
}

/** SHA-256 of the words of a vocabulary in their order: two tables of one print have the same ids. */
export function vocabularyPrint(words: readonly string[]): Promise<string> {
  return sha256(new TextEncoder().encode(words.join('\n')));
}

function arraysOf(layer: CompressedEmbedding): ReadonlyMap<string, NamedArray> {
  if ('storedArrays' in layer) return (layer as CompressedEmbedding & StoringLayer).storedArrays();
  const arrays = layer.weights.map((weight): [string, NamedArray] => {
    const values = weight.read().dataSync() as Float32Array;
    return [weight.originalName.split('/').at(-1)!, { shape: weight.shape as number[], values }];
  });
  if ('heavyHitters' in layer) {
    const ids = Int32Array.from(layer.heavyHitters as readonly number[]);
    arrays.push(['heavyHitters', { shape: [ids.length], values: ids }]);
  }
  const bytes = arrays.reduce((sum, [, { values }]) => sum + values.byteLength, 0);
  if (layer.storedBytes > bytes)
    arrays.unshift(['seed', { shape: [1], values: BigInt64Array.of(BigInt(layer.seed)) }]);
  return new Map(arrays);
}

/**
 * By hash: a and b of the row, then a and b of the sign, or of each 32 signs of coordinates; decimal, since JSON has no 64-bit
 * integers.
 */
function coefficients({
  hashes,
  seed,
  dimension,
  signs,
}: CountSketchEmbedding): readonly (readonly string[])[] {
  const number = (high: number, low: number) => String((BigInt(high) << 32n) | BigInt(low));
  return hashesOf(hashes, seed, dimension).map(({ bucket, sign, bits }) =>
    [bucket, ...(signs === 'coordinate' ? bits.hashes : [sign])].flatMap(
      ({ coefficients: [aHigh, aLow, bHigh, bLow] }) => [number(aHigh, aLow), number(bHigh, bLow)],
    ),
  );
}
