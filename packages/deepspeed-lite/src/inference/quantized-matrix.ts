/** Quantised matrices of the fused program: codes stay codes in its memory, what follows a product is as of float32 ones. */
import { ArgumentError } from '@ockham/core';
import { dequantize, LoadedMatrix, runProduct, type PackedMatrix } from '@ockham/core/kernels';
import { stepsOf } from '../compress/activation-grid.ts';
import { quantize as quantizeOnGrid, type Grid } from '../compress/grid.ts';
import type { KernelMemory } from './kernel-memory.ts';
import {
  finisher,
  placeFloats,
  scratch,
  type FloatValues,
  type Matrix,
  type MatrixValues,
  type PlaceMatrix,
} from './matrix.ts';
import { isPacked, type PackedKernel } from './packed-kernel.ts';

/**
 * Quantises one matrix, or leaves it in float32 by returning undefined.
 *
 * @param values `[outputs, inputs]`; query, key and value come as one matrix.
 */
export type QuantizeMatrix = (
  values: Float32Array,
  sizes: readonly [outputs: number, inputs: number],
) => PackedMatrix | undefined;

/** How the weights of dense layers are kept. */
export interface MatrixQuantization {
  /** A grid for all of them, or what decides for each. */
  readonly weights: Grid | QuantizeMatrix;
  /** Whether rows are multiplied as they are, or rounded to int8 first, each by its own scale. Default `float32`. */
  readonly activations?: 'float32' | 'int8';
}

/** Places a matrix in the form that it was read in. */
export const placeAsRead: PlaceMatrix = (memory, values) =>
  hasNumbers(values)
    ? placeFloats(memory, values)
    : placePacked(memory, values.kernel as PackedKernel, values.bias);

/** Places quantised matrices; those that were so before stay as they are. */
export function quantizedMatrices({ weights, activations = 'float32' }: MatrixQuantization): PlaceMatrix {
  return (memory, values) => {
    const matrix = hasNumbers(values) ? pack(weights, values) : undefined;
    if (!matrix) return placeAsRead(memory, values);
    const grid = activations === 'int8' ? ({ kind: 'dynamic', bits: 8 } as const) : null;
    return placePacked(memory, { matrix, activations: grid }, values.bias);
  };
}

/** Places the numbers that matrices stand for which were quantised here, in float32: what a quantised program is checked against. */
export function dequantizedMatrices({ weights }: MatrixQuantization): PlaceMatrix {
  return (memory, values) => {
    const packed = hasNumbers(values) ? pack(weights, values) : undefined;
    if (!packed) return placeAsRead(memory, values);
    return placeFloats(memory, { ...values, kernel: dequantize(packed), transposed: true });
  };
}

function hasNumbers(values: MatrixValues): values is FloatValues {
  return !isPacked(values.kernel);
}

/** A matrix whose codes stay codes. */
export interface PlacedCodes extends Matrix {
  /** As a table, its rows can be looked up. */
  readonly loaded: LoadedMatrix;
}

/** Places the kernel of a compressed layer. */
export function placePacked(
  memory: KernelMemory,
  { matrix, lowRank, activations }: PackedKernel,
  bias: Float32Array | undefined,
): PlacedCodes {
  const { inputs, outputs } = matrix;
  const { kernels } = memory;
  const load = (each: PackedMatrix): LoadedMatrix => new LoadedMatrix(memory, each);
  const loaded = load(matrix);
  const low = lowRank && {
    down: load(lowRank.down),
    up: load(lowRank.up),
    few: scratch(memory),
    sum: scratch(memory),
  };
  const finish = finisher(memory, outputs, memory.place(bias));
  const rounded = scratch(memory);
  const multiply = (by: LoadedMatrix, rows: number, x: number, y: number, whole = false): void =>
    runProduct('accelerate', by, [rows, x, 0, y], {
      ...{ activation: 'linear', activations: whole ? 'int8' : 'float32' },
    });
  const part = (rows: number, x: number, y: number): void => {
    let from = x;
    if (activations?.kind === 'static') {
      const { scale, low: least, high } = stepsOf(activations);
      from = rounded(rows * inputs);
      kernels.gridRows(rows, inputs, x, scale, least, high, from);
    }
    multiply(loaded, rows, from, y, activations?.kind === 'dynamic');
    if (!low) return;
    const [few, sum] = [low.few(rows * low.down.outputs), low.sum(rows * outputs)];
    multiply(low.down, rows, from, few);
    multiply(low.up, rows, few, sum);
    kernels.fusedFinish(rows, outputs, y, 0, 0, sum, y, 0, 0, 0, y);
  };
  return {
    inputs,
    outputs,
    loaded,
    bytes: loaded.bytes + (low ? low.down.bytes + low.up.bytes : 0),
    part,
    finish: finish.run,
    multiply(rows, x, y, ends) {
      part(rows, x, y);
      finish.run(rows, y, ends);
    },
  };
}

function pack(
  weights: Grid | QuantizeMatrix,
  { kernel, inputs, outputs }: FloatValues,
): PackedMatrix | undefined {
  const rows = new Float32Array(kernel.length); // [outputs, inputs]
  for (let i = 0; i < inputs; i++)
    for (let o = 0; o < outputs; o++) rows[o * inputs + i] = kernel[i * outputs + o]!;
  const packed =
    typeof weights === 'function'
      ? weights(rows, [outputs, inputs])
      : quantizeOnGrid(rows, [outputs, inputs], weights);
  if (packed && (packed.inputs !== inputs || packed.outputs !== outputs))
    throw new ArgumentError(`accelerate: quantize.weights must give a matrix of ${outputs} × ${inputs}, as it was given, got ${packed.outputs} × ${packed.inputs}.`); // prettier-ignore
  return packed;
}
