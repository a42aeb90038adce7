/**
 * Sparse encodings of one weight tensor: which entries are not zero, apart from their values.
 *
 * `dense` stores no index; `bitmap` one bit for each entry; `csr` compressed sparse rows (row = all axes but the
 * last); `gaps` one byte for each distance between non-zeros, as in Deep Compression (Han et al. 2016), with
 * 255 meaning "254 zeros further, no entry here yet". Every encoding gives the float32 bits back, −0 and NaN
 * included: only the all-zero bit pattern counts as zero.
 */

/** How the places of the non-zeros are kept. */
export type SparseFormat = 'dense' | 'bitmap' | 'csr' | 'gaps';

/** All of them. */
export const sparseFormats: readonly SparseFormat[] = ['dense', 'bitmap', 'csr', 'gaps'];

/** The non-zeros of a tensor: `index` says where, in one of the formats. */
export interface SparseEncoding {
  readonly format: SparseFormat;
  readonly index: Uint8Array;
  readonly values: Float32Array;
}

const ESCAPE = 255;

/** Zero to the bit; −0 is not. */
function isZero(value: number): boolean {
  return value === 0 && !Object.is(value, -0);
}

/** Encodes `weights`, row-major with rows of `columns` entries, in the given format. */
export function encodeSparse(weights: Float32Array, columns: number, format: SparseFormat): SparseEncoding {
  if (format === 'dense') return { format, index: new Uint8Array(0), values: weights.slice() };
  const positions: number[] = [];
  for (let i = 0; i < weights.length; i++) if (!isZero(weights[i]!)) positions.push(i);
  const values = Float32Array.from(positions, (i) => weights[i]!);
  const index = { bitmap: toBitmap, csr: toCsr, gaps: toGaps }[format](positions, weights.length, columns);
  return { format, index, values };
}

/** The tensor behind an encoding, `length` entries. @throws RangeError if the index does not fit. */
export function decodeSparse(encoding: SparseEncoding, length: number, columns: number): Float32Array {
  const { format, index, values } = encoding;
  if (format === 'dense') {
    if (values.length !== length) throw new RangeError(`${values.length} dense values for ${length} entries`);
    return values.slice();
  }
  const weights = new Float32Array(length);
  const positions = { bitmap: fromBitmap, csr: fromCsr, gaps: fromGaps }[format](index, length, columns);
  let count = 0;
  for (const position of positions) {
    if (position >= length || count >= values.length)
      throw new RangeError('the index points outside the tensor');
    weights[position] = values[count++]!;
  }
  if (count !== values.length) throw new RangeError(`${count} positions for ${values.length} values`);
  return weights;
}

function toBitmap(positions: readonly number[], length: number): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(length / 8));
  for (const i of positions) bitmap[i >> 3]! |= 1 << (i & 7);
  return bitmap;
}

function* fromBitmap(bitmap: Uint8Array, length: number): Generator<number> {
  if (bitmap.length !== Math.ceil(length / 8))
    throw new RangeError(`${bitmap.length} bitmap bytes for ${length} entries`);
  for (let byte = 0; byte < bitmap.length; byte++) {
    for (let bit = 0, rest = bitmap[byte]!; rest !== 0; bit++, rest >>= 1) if (rest & 1) yield byte * 8 + bit;
  }
}

/** Bytes of one integer up to `max`. */
function widthOf(max: number): 1 | 2 | 4 {
  return max < 0x100 ? 1 : max < 0x10000 ? 2 : 4;
}

function putInteger(bytes: Uint8Array, at: number, width: number, value: number): void {
  for (let i = 0; i < width; i++) bytes[at + i] = (value >>> (8 * i)) & 0xff;
}

function getInteger(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) value += bytes[at + i]! * 2 ** (8 * i);
  return value;
}

// The number of entries of each row, then the column of each entry: counts instead of running sums, which fit a byte.
function toCsr(positions: readonly number[], length: number, columns: number): Uint8Array {
  const rows = columns === 0 ? 0 : length / columns;
  const counts = new Uint32Array(rows);
  for (const i of positions) counts[Math.floor(i / columns)]!++;
  const width = widthOf(columns); // a row holds up to `columns` entries
  const index = new Uint8Array((rows + positions.length) * width);
  counts.forEach((count, row) => putInteger(index, row * width, width, count));
  positions.forEach((i, entry) => putInteger(index, (rows + entry) * width, width, i % columns));
  return index;
}

function* fromCsr(index: Uint8Array, length: number, columns: number): Generator<number> {
  const rows = columns === 0 ? 0 : length / columns;
  const width = widthOf(columns);
  if (index.length < rows * width || index.length % width !== 0)
    throw new RangeError('the row counts are cut short');
  let at = rows * width;
  for (let row = 0; row < rows; row++) {
    for (let left = getInteger(index, row * width, width); left > 0; left--, at += width) {
      const column = getInteger(index, at, width);
      if (at >= index.length || column >= columns) throw new RangeError('a column is outside its row');
      yield row * columns + column;
    }
  }
  if (at !== index.length) throw new RangeError('entries are left over after the last row');
}

function toGaps(positions: readonly number[]): Uint8Array {
  const gaps: number[] = [];
  let next = 0; // the first position not yet passed
  for (const i of positions) {
    let zeros = i - next;
    for (; zeros >= ESCAPE; zeros -= ESCAPE - 1) gaps.push(ESCAPE);
    gaps.push(zeros);
    next = i + 1;
  }
  return Uint8Array.from(gaps);
}

function* fromGaps(gaps: Uint8Array): Generator<number> {
  let next = 0;
  for (const gap of gaps) {
    if (gap === ESCAPE) {
      next += ESCAPE - 1;
    } else {
      yield next + gap;
      next += gap + 1;
    }
  }
}
