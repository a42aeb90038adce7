/** The numbers of a loaded matrix, decoded by the kernels where it is. */
import { ArgumentError } from '../../errors.ts';
import type { LoadedMatrix } from './loaded-matrix.ts';
import { JOB_BYTES } from './run-product.ts';

/** Outputs that the kernels decode together. */
const BLOCK = 8;

/**
 * All numbers of a loaded matrix, transposed: `[inputs, outputs]`, as dense and convolution layers have their kernels. Exactly those of
 * `dequantize`, at a fraction of its time.
 *
 * @throws ArgumentError once the matrix is disposed of.
 */
export function decodeMatrix(matrix: LoadedMatrix): Float32Array {
  const { space, inputs, outputs } = matrix;
  const at = space.workspace(decodedBytes(matrix) + decodingBytes(matrix));
  decodeTo('decodeMatrix', matrix, at, at + decodedBytes(matrix));
  return new Float32Array(space.memory.buffer, at, inputs * outputs).slice();
}

/**
 * Some rows of a loaded matrix, `[which.length, inputs]`: vectors of an embedding that stays packed.
 *
 * @param which Outputs, as often as they are wanted.
 * @throws ArgumentError for an output that there is not, or once the matrix is disposed of.
 */
export function decodeOutputs(matrix: LoadedMatrix, which: ArrayLike<number>): Float32Array {
  const who = 'decodeOutputs';
  const { space, inputs, outputs, group, layout } = matrix;
  const { depth, groups, groupDepth } = layout;
  const width = groups > 1 ? group : inputs;
  const numbers = new Float32Array(which.length * inputs);
  const bytes = 4 * BLOCK * depth;
  const at = space.workspace(bytes + decodingBytes(matrix));
  const job = writeJob(who, matrix, at + bytes);
  const block = new Float32Array(space.memory.buffer, at, BLOCK * depth);
  let decoded = -1;
  for (let r = 0; r < which.length; r++) {
    const o = which[r]!;
    if (!(Number.isInteger(o) && o >= 0 && o < outputs))
      throw new ArgumentError(
        `${who}: an output must be an integer in [0, ${outputs}), got ${o} at ${r}. Check the token ids.`,
      );
    const wanted = o >> 3;
    if (wanted !== decoded)
      space.kernels.quantizedFloats(job, wanted, wanted + 1, at, BLOCK, job + JOB_BYTES);
    decoded = wanted;
    for (let g = 0, i = 0; g < groups; g++) {
      const end = Math.min(inputs, i + width);
      for (let p = BLOCK * g * groupDepth + (o & 7); i < end; i++, p += BLOCK)
        numbers[r * inputs + i] = block[p]!;
    }
  }
  return numbers;
}

/** Bytes that {@link decodeTo} writes to. */
export function decodedBytes({ outputs, layout }: LoadedMatrix): number {
  return 16 * Math.ceil((4 * layout.depth * outputs + 4 * BLOCK) / 16);
}

/** Bytes that {@link decodeTo} works with. */
export function decodingBytes({ space }: LoadedMatrix): number {
  return JOB_BYTES + space.kernels.quantizedBytes();
}

/** Decodes a matrix, `[inputs, outputs]`, to the byte offset `to`. */
export function decodeTo(who: string, matrix: LoadedMatrix, to: number, work: number): void {
  const { space, inputs, outputs, group, layout } = matrix;
  const { depth, groups, groupDepth } = layout;
  const job = writeJob(who, matrix, work);
  space.kernels.quantizedFloats(job, 0, Math.ceil(outputs / BLOCK), to, outputs, job + JOB_BYTES);
  if (groups < 2 || groupDepth === group) return;
  const numbers = new Float32Array(space.memory.buffer, to, depth * outputs); // a row of nothing ends each group
  for (let g = 1; g < groups; g++) {
    const from = g * groupDepth * outputs;
    const length = Math.min(group, inputs - g * group) * outputs;
    numbers.copyWithin(g * group * outputs, from, from + length);
  }
}

/** Writes what the kernels are told of a matrix; returns where. */
function writeJob(who: string, matrix: LoadedMatrix, at: number): number {
  const { space, outputs, layout, codingNumber } = matrix;
  const { codes, scales, zeros } = matrix.places(who);
  const { depth, groupDepth, groups, blockBytes } = layout;
  const words = [codingNumber, 0, outputs, depth, groupDepth, groups, codes, blockBytes, scales, zeros];
  new Int32Array(space.memory.buffer, at, words.length).set(words);
  return at;
}
