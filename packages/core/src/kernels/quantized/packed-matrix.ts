/**
 * Quantised matrices as they lie in a file and in memory: codes of a few bits, and scales in half precision that a number of
 * consecutive inputs share.
 */
import { ArgumentError } from '../../errors.ts';
import { fromFloat16Bits } from '../../files/float16.ts';
import { checkArray, checkSizes } from '../check-arrays.ts';
import { CODINGS, rowBytes, type Coding } from './codings.ts';

/**
 * A quantised weight of a dense layer, transposed: `[outputs, inputs]`. An entry stands for scale · (code − zero), which float32
 * holds exactly.
 */
export interface PackedMatrix {
  /** How an entry is written. */
  readonly coding: Coding;
  /** Rows: one for each output. */
  readonly outputs: number;
  /** Columns: one for each input. */
  readonly inputs: number;
  /** Inputs that share a scale, in [1, inputs]; the last group of a row may be shorter. `inputs` is one scale for each output. */
  readonly group: number;
  /**
   * Rows of codes, each from a byte of its own, low bits first. Ternary: five digits (code + 1) to a byte, the first the lowest in
   * base 3. Binary: a bit 1 is 1, a bit 0 is −1.
   */
  readonly codes: Uint8Array;
  /** Bits of half precision, `[outputs, ⌈inputs / group⌉]`, or a single one for all. */
  readonly scales: Uint16Array;
  /** As many as scales, of integers only: zero + 128 where codes are not symmetric, zero in [−128, 127]. */
  readonly zeros?: Uint8Array;
}

/** What {@link packCodes} is told beside the codes. */
export interface PackCodesOptions {
  /** How an entry is to be written. */
  readonly coding: Coding;
  /** Rows: one for each output. */
  readonly outputs: number;
  /** Columns: one for each input. */
  readonly inputs: number;
  /** Default `inputs`: one scale for each output. */
  readonly group?: number;
  /** Bits of half precision, as {@link PackedMatrix.scales}. */
  readonly scales: Uint16Array;
  /** Default none: symmetric. */
  readonly zeros?: Uint8Array;
}

/**
 * Packs codes.
 *
 * @param values `[outputs, inputs]`, row-major: integers that the coding has; bit patterns for `fp8-…` (the byte, read as int8)
 * and `fp4-…` (in [0, 15]).
 * @throws ArgumentError for sizes that do not fit, codes that the coding has not, scales that are not finite, and zeros of a coding
 * that has none.
 *
 * @example
 * const packed = packCodes(Int8Array.of(-8, 7, 3), { coding: 'int4', outputs: 1, inputs: 3, scales: toFloat16([0.1]) });
 * dequantize(packed); // [-0.8, 0.7, 0.3], nearly: the scale is in half precision
 */
export function packCodes(values: Int8Array, options: PackCodesOptions): PackedMatrix {
  const { coding, outputs, inputs, group = Math.max(1, inputs), scales, zeros } = options;
  const who = 'packCodes';
  checkSizes(who, { outputs, inputs });
  checkCoding(who, coding);
  checkArray(who, 'values', values, Int8Array, outputs * inputs);
  const { low, high } = CODINGS[coding];
  const patterns = CODINGS[coding].values;
  const bad = values.findIndex(
    (code) =>
      code < low ||
      code > high ||
      (coding === 'binary' && code === 0) ||
      (patterns !== undefined && !Number.isFinite(patterns[code & (patterns.length - 1)])),
  );
  if (bad >= 0)
    throw new ArgumentError(
      `${who}: a code of ${coding} must be ${rule(coding)}, got ${values[bad]} at output ${Math.floor(bad / inputs)}, input ${bad % inputs}. Round and clip before packing.`,
    );
  const bytes = rowBytes(coding, inputs);
  const codes = new Uint8Array(outputs * bytes);
  for (let o = 0; o < outputs; o++)
    writeRow(
      coding,
      values.subarray(o * inputs, (o + 1) * inputs),
      codes.subarray(o * bytes, (o + 1) * bytes),
    );
  const packed = { coding, outputs, inputs, group, codes, scales, ...(zeros && { zeros }) };
  checkPackedMatrix(who, packed);
  return packed;
}

/** The codes of a packed matrix as {@link packCodes} took them, `[outputs, inputs]`. */
export function unpackCodes(matrix: PackedMatrix): Int8Array {
  checkPackedMatrix('unpackCodes', matrix);
  const { coding, outputs, inputs, codes } = matrix;
  const bytes = rowBytes(coding, inputs);
  const values = new Int8Array(outputs * inputs);
  for (let o = 0; o < outputs; o++)
    readRow(
      coding,
      codes.subarray(o * bytes, (o + 1) * bytes),
      values.subarray(o * inputs, (o + 1) * inputs),
    );
  return values;
}

/** The numbers that a packed matrix stands for, `[outputs, inputs]`: exactly scale · (code − zero). */
export function dequantize(matrix: PackedMatrix): Float32Array {
  checkPackedMatrix('dequantize', matrix);
  return dequantizeOutputs(
    matrix,
    Int32Array.from({ length: matrix.outputs }, (_, o) => o),
  );
}

/**
 * Some of its rows, `[which.length, inputs]`: vectors of an embedding that stays packed.
 *
 * @param matrix As {@link packCodes} makes it; it is not checked again.
 * @param which Outputs, as often as they are wanted.
 * @throws ArgumentError for an output that there is not.
 */
export function dequantizeOutputs(matrix: PackedMatrix, which: ArrayLike<number>): Float32Array {
  const { coding, outputs, inputs, group, codes, scales, zeros } = matrix;
  const patterns = CODINGS[coding].values;
  const bytes = rowBytes(coding, inputs);
  const groups = Math.ceil(inputs / group);
  const row = new Int8Array(inputs);
  const numbers = new Float32Array(which.length * inputs);
  for (let r = 0; r < which.length; r++) {
    const o = which[r]!;
    if (!(Number.isInteger(o) && o >= 0 && o < outputs))
      throw new ArgumentError(
        `dequantizeOutputs: an output must be an integer in [0, ${outputs}), got ${o} at ${r}. Check the token ids.`,
      );
    readRow(coding, codes.subarray(o * bytes, (o + 1) * bytes), row);
    for (let g = 0; g < groups; g++) {
      const place = scales.length === 1 ? 0 : o * groups + g;
      const scale = fromFloat16Bits(scales[place]!);
      const zero = zeros ? zeros[place]! - 128 : 0;
      for (let i = g * group; i < Math.min(inputs, (g + 1) * group); i++) {
        const code = row[i]!;
        const whole = patterns ? patterns[code & (patterns.length - 1)]! : code - zero;
        numbers[r * inputs + i] = scale * whole;
      }
    }
  }
  return numbers;
}

/** Bytes of codes, scales and zeros: what a file or a memory holds of a matrix, but for its sizes. */
export function packedBytes({ codes, scales, zeros }: PackedMatrix): number {
  return codes.byteLength + scales.byteLength + (zeros?.byteLength ?? 0);
}

/**
 * Checks a packed matrix, as one that was read from a file.
 *
 * @param who Named in the message.
 * @throws ArgumentError that says which part is wrong.
 */
export function checkPackedMatrix(who: string, matrix: PackedMatrix): void {
  const { coding, outputs, inputs, group, codes, scales, zeros } = matrix;
  checkSizes(who, { outputs, inputs });
  checkCoding(who, coding);
  if (!(Number.isInteger(group) && group >= 1 && group <= Math.max(1, inputs)))
    throw new ArgumentError(
      `${who}: group must be an integer in [1, inputs] = [1, ${inputs}], got ${group}. Give inputs for one scale for each output.`,
    );
  checkArray(who, 'codes', codes, Uint8Array, outputs * rowBytes(coding, inputs));
  if (coding === 'ternary') {
    const bad = codes.findIndex((byte) => byte >= 3 ** 5);
    if (bad >= 0)
      throw new ArgumentError(
        `${who}: a byte of five ternary digits must be below 243, got ${codes[bad]} at ${bad}. The codes are damaged.`,
      );
  }
  const all = outputs * Math.ceil(inputs / group);
  if (scales.length !== 1) checkArray(who, 'scales', scales, Uint16Array, all);
  else checkArray(who, 'scales', scales, Uint16Array, 1);
  const bad = scales.findIndex((scale) => (scale & 0x7c00) === 0x7c00);
  if (bad >= 0)
    throw new ArgumentError(
      `${who}: scales must be finite, got ${fromFloat16Bits(scales[bad]!)} at ${bad}. Half precision ends at 65,504.`,
    );
  if (!zeros) return;
  checkArray(who, 'zeros', zeros, Uint8Array, scales.length);
  if (!coding.startsWith('int'))
    throw new ArgumentError(`${who}: ${coding} has no zeros. Use a coding of integers, or leave them out.`);
}

function checkCoding(who: string, coding: Coding): void {
  if (Object.hasOwn(CODINGS, coding)) return;
  throw new ArgumentError(
    `${who}: coding must be one of ${Object.keys(CODINGS).join(', ')}, got ${coding as string}.`,
  );
}

function rule(coding: Coding): string {
  const { low, high, values } = CODINGS[coding];
  if (coding === 'binary') return '−1 or 1';
  return values ? `the pattern of a finite number in [${low}, ${high}]` : `an integer in [${low}, ${high}]`;
}

function writeRow(coding: Coding, values: Int8Array, to: Uint8Array): void {
  if (coding === 'ternary') {
    for (let i = values.length - 1; i >= 0; i--) {
      const at = Math.floor(i / 5);
      to[at] = 3 * to[at]! + values[i]! + 1;
    }
    return;
  }
  const { bits } = CODINGS[coding];
  const mask = 2 ** bits - 1;
  for (let i = 0, bit = 0; i < values.length; i++, bit += bits) {
    const code = (coding === 'binary' ? (values[i]! + 1) >> 1 : values[i]!) & mask;
    const [at, shift] = [bit >> 3, bit & 7];
    to[at]! |= code << shift;
    if (shift + bits > 8) to[at + 1]! |= code >> (8 - shift);
  }
}

function readRow(coding: Coding, from: Uint8Array, values: Int8Array): void {
  if (coding === 'ternary') {
    let rest = 0;
    for (let i = 0; i < values.length; i++) {
      if (i % 5 === 0) rest = from[i / 5]!;
      values[i] = (rest % 3) - 1;
      rest = Math.floor(rest / 3);
    }
    return;
  }
  const { bits, low } = CODINGS[coding];
  const mask = 2 ** bits - 1;
  const unused = 32 - bits;
  for (let i = 0, bit = 0; i < values.length; i++, bit += bits) {
    const [at, shift] = [bit >> 3, bit & 7];
    const word = shift + bits > 8 ? from[at]! | (from[at + 1]! << 8) : from[at]!;
    const code = (word >> shift) & mask;
    if (coding === 'binary') values[i] = 2 * code - 1;
    else values[i] = low < 0 ? (code << unused) >> unused : code;
  }
}
