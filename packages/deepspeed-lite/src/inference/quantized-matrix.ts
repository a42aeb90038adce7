/** Quantised matrices of the fused program: codes stay codes in its memory, what follows a product is as of float32 ones. */
import { ArgumentError } from '@ockham/core';
import { dequantize, LoadedMatrix, runProduct, type PackedMatrix } from '@ockham/core/kernels';
import { quantize as quantizeOnGrid, type Grid } from '../compress/grid.ts';
import { finisher, placeFloats, type MatrixValues, type PlaceMatrix } from './matrix.ts';

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

/** Places quantised matrices. */
export function quantizedMatrices({ weights, activations = 'float32' }: MatrixQuantization): PlaceMatrix {
  return (memory, values) => {
    const packed = pack(weights, values);
    if (!packed) return placeFloats(memory, values);
    const { inputs, outputs } = values;
    const loaded = new LoadedMatrix(memory, packed);
    const finish = finisher(memory, outputs, memory.place(values.bias));
    const part = (rows: number, x: number, y: number): void =>
      runProduct('accelerate', loaded, [rows, x, 0, y], { activation: 'linear', activations });
    return {
      inputs,
      outputs,
      bytes: loaded.bytes,
      part,
      finish: finish.run,
      multiply(rows, x, y, ends) {
        part(rows, x, y);
        finish.run(rows, y, ends);
      },
    };
  };
}

/** Places the numbers that quantised matrices stand for, in float32: what a quantised program is checked against. */
export function dequantizedMatrices({ weights }: MatrixQuantization): PlaceMatrix {
  return (memory, values) => {
    const packed = pack(weights, values);
    return placeFloats(memory, packed ? { ...values, kernel: dequantize(packed), transposed: true } : values);
  };
}

function pack(
  weights: Grid | QuantizeMatrix,
  { kernel, inputs, outputs }: MatrixValues,
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
