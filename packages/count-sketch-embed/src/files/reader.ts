/**
 * Opens a saved table without TensorFlow, in a page or in Node: under 3 kB, imports nothing. It writes the hash
 * h(x) = ⌊(a·m(x) + b mod 2⁶⁴) / 2³²⌋ of UniversalHash out again in big integers, so that it stays one small file.
 *
 * @module
 */

/** A table that gives vectors. */
export interface OpenTable {
  /** |V|, tokens that the table knows. */
  readonly vocabulary: number;
  /** D, numbers of a vector. */
  readonly dimension: number;
  /**
   * Vectors of ids, `[ids.length, dimension]`.
   *
   * @throws RangeError for an id that the table does not have.
   */
  rowsOf(ids: ArrayLike<number>): Float32Array;
}

interface Config extends Record<
  | 'vocabulary'
  | 'dimension'
  | 'parts'
  | 'centroids'
  | 'rows'
  | 'hashes'
  | 'groups'
  | 'buckets'
  | 'inner'
  | 'hidden',
  number
> {
  readonly estimator: string;
  readonly combine: string;
  readonly lora?: object;
  readonly signs: boolean | string;
}

/**
 * Opens a table that `encodeTable` wrote: a count-sketch (or its one hash), quotients and
 * remainders, NanoBERT without a hidden layer, product-quantised, or of 8 bits.
 *
 * @param vocabulary Refuses a table of another number of tokens. Default: any.
 * @throws Error with the `code` `corrupt-file` for a file that is no such table, or of another vocabulary.
 *
 * @example
 * const table = openTable(new Uint8Array(await (await fetch('words.safetensors')).arrayBuffer()));
 * const vectors = table.rowsOf([101, 2023, 102]);
 */
export function openTable(bytes: Uint8Array, vocabulary?: number): OpenTable {
  try {
    return open(bytes, vocabulary);
  } catch (error) {
    throw Object.assign(new Error(`openTable: ${(error as Error).message}.`), { code: 'corrupt-file' });
  }
}

/** {@link openTable}, with whatever error a damaged file leads to. */
function open(bytes: Uint8Array, vocabulary?: number): OpenTable {
  const fail = (what: string): never => {
    throw new Error(what);
  };
  const { buffer, byteOffset, byteLength } = bytes;
  const size = byteLength < 8 ? NaN : Number(new DataView(buffer, byteOffset).getBigUint64(0, true));
  if (!(size + 8 <= byteLength)) fail('the file is cut short');
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + size));
  const header = JSON.parse(text) as Record<string, { data_offsets: [number, number] }>;
  const meta = (header['__metadata__'] ?? {}) as unknown as Record<string, string>;
  if (meta['format'] !== 'ockham-embedding-1') fail(`no table of ours, its format is ${meta['format']}`);
  const config = JSON.parse(meta['config']!) as Config;
  const { vocabulary: V, dimension: D } = config;
  if (vocabulary !== undefined && vocabulary !== V) fail(`it has ${V} tokens, not ${vocabulary}`);
  const part = (name: string, length?: number): ArrayBuffer => {
    const [start, end] = header[name]?.data_offsets ?? fail(`${name} is absent`);
    const sound =
      start >= 0 && start <= end && end + size + 8 <= byteLength && (length ?? end - start) === end - start;
    if (!sound) fail(`the file is cut short at ${name}`);
    return new Uint8Array(bytes.subarray(start + size + 8, end + size + 8)).buffer;
  };
  const floats = (name: string, count: number) => new Float32Array(part(name, 4 * count));
  const counts = (...values: readonly number[]) =>
    values.every((n) => n > 0 && n % 1 === 0) || fail('its sizes are odd');
  counts(V, D);

  const forms: Record<string, () => (x: number, j: number) => number> = {
    Int8Embedding() {
      const codes = new Int8Array(part('codes', V * D));
      const scales = floats('scales', V);
      return (x, j) => codes[x * D + j]! * scales[x]!;
    },
    ProductQuantisedEmbedding() {
      const { parts, centroids: K } = config;
      const width = D / parts;
      counts(parts, K, width);
      const codes = new Uint8Array(part('codes', V * parts));
      const centroids = floats('centroids', K * D);
      return (x, j) => {
        const m = Math.floor(j / width);
        return centroids[(m * K + codes[x * parts + m]!) * width + (j % width)]!;
      };
    },
    QuotientRemainderEmbedding() {
      const { buckets, combine } = config;
      const aside = combine === 'concatenate';
      const [first, second] = aside ? [Math.ceil(D / 2), D >> 1] : [D, D];
      counts(buckets);
      const quotients = floats('quotients', Math.ceil(V / buckets) * first);
      const remainders = floats('remainders', buckets * second);
      return (x, j) => {
        const q = quotients[Math.floor(x / buckets) * first + j]!;
        const r = remainders[(x % buckets) * second + j - (aside ? first : 0)]!;
        return aside ? (j < first ? q : r) : combine === 'add' ? q + r : q * r;
      };
    },
    NanoEmbedding() {
      const { inner, hidden, lora } = config;
      if (hidden || lora) fail('it has no reader for hidden layers and LoRA');
      const [table, kernel] = [floats('table', V * inner), floats('kernel', inner * D)];
      const bias = floats('bias', D);
      return (x, j) => {
        let sum = bias[j]!;
        for (let i = 0; i < inner; i++) sum += table[x * inner + i]! * kernel[i * D + j]!;
        return sum;
      };
    },
    CountSketchEmbedding() {
      const { rows: R, hashes: d, groups } = config;
      const size = config.estimator === 'median' ? 1 : config.estimator === 'mean' ? d : d / groups;
      const hitters = new Int32Array(part('heavyHitters'));
      const sketch = floats('sketch', (d * R + hitters.length) * D);
      const heavy = new Map(Array.from(hitters, (x, k) => [x, d * R + k]));
      const functions = (JSON.parse(meta['hashes']!) as string[][]).map((list) => list.map(BigInt));
      counts(R, d, size);
      if (functions.length !== d) fail('no hashes');
      const hash = (a: bigint, b: bigint, key: number) => {
        let x = Math.imul(key ^ (key >>> 16), 0x85ebca6b);
        x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
        return Number(BigInt.asUintN(64, a * BigInt((x ^ (x >>> 16)) >>> 0) + b) >> 32n);
      };
      let last = -1;
      const own = config.signs === 'coordinate'; // signs
      let slots: [row: number, words: number[]][] = [];
      return (x, j) => {
        if (x !== last) {
          const row = heavy.get(x);
          slots = functions.map((list, i) => {
            const [first, ...words] = list.flatMap((a, k) => (k % 2 ? [] : hash(a, list[k + 1]!, x)));
            return row === undefined
              ? [i * R + Number((BigInt(first!) * BigInt(R)) >> 32n), config.signs ? words : []]
              : [row, []];
          });
          last = x;
        }
        const means: number[] = [];
        for (let i = 0; i < d; i += size) {
          let sum = 0;
          for (const [row, words] of slots.slice(i, i + size)) {
            const minus = (words[own ? j >> 5 : 0]! >>> (own ? j & 31 : 31)) & 1;
            sum += (minus ? -1 : 1) * sketch[row * D + j]!;
          }
          means.push(sum / size);
        }
        if (means.some(isNaN)) return NaN; // sorting would hide it
        means.sort((a, b) => a - b);
        return (means[(means.length - 1) >> 1]! + means[means.length >> 1]!) / 2;
      };
    },
  };
  forms['HashEmbedding'] = forms['CountSketchEmbedding']!;
  const kind = meta['class']!;
  const value = (Object.hasOwn(forms, kind) ? forms[kind]! : fail(`it has no reader for ${kind}`))();
  return {
    vocabulary: V,
    dimension: D,
    rowsOf(ids) {
      const result = new Float32Array(ids.length * D);
      for (let n = 0; n < ids.length; n++) {
        const x = ids[n]!;
        if (!(x >= 0 && x < V && x % 1 === 0))
          throw new RangeError(`rowsOf: ids must be integers in [0, ${V}), got ${x} at ${n}.`);
        for (let j = 0; j < D; j++) result[n * D + j] = value(x, j);
      }
      return result;
    },
  };
}
