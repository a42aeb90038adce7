/** Matrices of a compressed model, whose codes a fused program keeps, and their parts for ranks. */
import { dequantize, packCodes, rowBytes, unpackCodes, type PackedMatrix } from '@ockham/core/kernels';
import type { ActivationGrid } from '../compress/activation-grid.ts';
import { denseRows, type LowRank } from '../compress/dense-rows.ts';

/** The kernel of a dense layer of `compress`. */
export interface PackedKernel {
  /** `[outputs, inputs]`. */
  readonly matrix: PackedMatrix;
  /** What is added to it. */
  readonly lowRank?: LowRank;
  /** Where its inputs are rounded to; null for nowhere. */
  readonly activations: ActivationGrid | null;
}

/** The numbers of a kernel, `[inputs, outputs]`, or its codes. */
export type Kernel = Float32Array | PackedKernel;

export function isPacked(kernel: Kernel): kernel is PackedKernel {
  return !(kernel instanceof Float32Array);
}

/** The outputs [begin, end) of a kernel. */
export function packedOutputs(kernel: PackedKernel, begin: number, end: number): PackedKernel {
  const { matrix, lowRank } = kernel;
  return {
    ...kernel,
    matrix: outputsOf(matrix, begin, end),
    ...(lowRank && { lowRank: { down: lowRank.down, up: outputsOf(lowRank.up, begin, end) } }),
  };
}

/** Its inputs [begin, end): as numbers where `begin` is amid a group that shares a scale. */
export function packedInputs(kernel: PackedKernel, begin: number, end: number): Kernel {
  const { matrix, lowRank } = kernel;
  if (begin % matrix.group === 0 || matrix.group === matrix.inputs || matrix.scales.length === 1)
    return {
      ...kernel,
      matrix: inputsOf(matrix, begin, end),
      ...(lowRank && { lowRank: { down: inputsOf(lowRank.down, begin, end), up: lowRank.up } }),
    };
  const { outputs } = matrix;
  return numbersOf(kernel).slice(begin * outputs, end * outputs);
}

/** The numbers that a kernel stands for, `[inputs, outputs]`. */
function numbersOf({ matrix, lowRank }: PackedKernel): Float32Array {
  const { outputs, inputs } = matrix;
  const named = new Map([['kernel', matrix]]);
  if (lowRank) named.set('down', lowRank.down).set('up', lowRank.up);
  const rows = lowRank ? denseRows(named, 'kernel') : dequantize(matrix);
  const numbers = new Float32Array(rows.length);
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++) numbers[i * outputs + o] = rows[o * inputs + i]!;
  return numbers;
}

/** Kernels of the same input as one, their outputs side by side; undefined where they are not coded alike. */
export function packedSideBySide(kernels: readonly PackedKernel[]): PackedKernel | undefined {
  const [{ matrix: first, activations }] = kernels as [PackedKernel];
  const alike = kernels.every(
    ({ matrix, lowRank, activations: other }) =>
      !lowRank &&
      matrix.coding === first.coding &&
      matrix.group === first.group &&
      (matrix.zeros === undefined) === (first.zeros === undefined) &&
      (matrix.scales.length > 1 || matrix.outputs === 1) &&
      JSON.stringify(other) === JSON.stringify(activations),
  );
  if (!alike) return undefined;
  const all = kernels.map(({ matrix }) => matrix);
  return {
    matrix: {
      ...first,
      outputs: all.reduce((sum, { outputs }) => sum + outputs, 0),
      codes: joined(
        all.map(({ codes }) => codes),
        (length) => new Uint8Array(length),
      ),
      scales: joined(
        all.map(({ scales }) => scales),
        (length) => new Uint16Array(length),
      ),
      ...(first.zeros && {
        zeros: joined(
          all.map(({ zeros }) => zeros!),
          (length) => new Uint8Array(length),
        ),
      }),
    },
    activations,
  };
}

function joined<T extends Uint8Array | Uint16Array>(parts: readonly T[], make: (length: number) => T): T {
  const all = make(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function outputsOf(matrix: PackedMatrix, begin: number, end: number): PackedMatrix {
  const { coding, inputs, group, codes, scales, zeros } = matrix;
  const bytes = rowBytes(coding, inputs);
  const groups = Math.ceil(inputs / group);
  const some = <T extends Uint8Array | Uint16Array>(values: T): T =>
    values.length === 1 ? values : (values.slice(begin * groups, end * groups) as T);
  return {
    ...{ coding, inputs, group, outputs: end - begin },
    codes: codes.slice(begin * bytes, end * bytes),
    scales: some(scales),
    ...(zeros && { zeros: some(zeros) }),
  };
}

/** @param begin Where a group starts, if there are several. */
function inputsOf(matrix: PackedMatrix, begin: number, end: number): PackedMatrix {
  const { coding, outputs, inputs, group, scales, zeros } = matrix;
  const width = end - begin;
  const all = unpackCodes(matrix);
  const codes = new Int8Array(outputs * width);
  for (let o = 0; o < outputs; o++) codes.set(all.subarray(o * inputs + begin, o * inputs + end), o * width);
  const groups = Math.ceil(inputs / group);
  const [first, last] = [Math.floor(begin / group), Math.ceil(end / group)];
  const some = <T extends Uint8Array | Uint16Array>(values: T): T =>
    values.length === 1 ? values : (values.filter((_, i) => i % groups >= first && i % groups < last) as T);
  return packCodes(codes, {
    ...{ coding, outputs, inputs: width, group: Math.min(group, width) },
    scales: some(scales),
    ...(zeros && { zeros: some(zeros) }),
  });
}
