/** A packed matrix in memory, for look-ups or for products. */
import {
  decodeOutputs,
  dequantize,
  dequantizeOutputs,
  packedBytes,
  quantizedConv2d,
  quantizedMatMul,
  quantizedProducts,
  type PackedMatrix,
  type QuantizedConv2dOptions,
  type QuantizedMatMulOptions,
} from '@ockham/core/kernels';
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';

/** A matrix that is held packed. */
export interface HeldMatrix {
  /** Numbers that it stands for. */
  readonly size: number;
  /** Of these, how many are not 0. Counted when asked for. */
  readonly nonZeros: number;
  /** Resident bytes. */
  readonly bytes: number;
  packed(): PackedMatrix;
  dispose(): void;
}

/** A matrix whose rows are decoded as they are needed. */
export interface TableMatrix extends HeldMatrix {
  /** The rows at `indexes`, `[indexes.length, inputs]`. */
  rows(indexes: ArrayLike<number>): Float32Array;
}

/** A matrix that inputs are multiplied by. */
export interface ProductMatrix extends TableMatrix {
  /** activation(x Mᵀ + bias), `[…, inputs]` to `[…, outputs]`. */
  multiply(x: Tensor, options: QuantizedMatMulOptions): Tensor;
  /** activation(x ∗ M + bias) of images, with its rows as filters. */
  convolve(x: Tensor4D, options: QuantizedConv2dOptions): Tensor4D;
}

/** Holds a matrix in the memory of the engine's kernels, where there is one, in the order that they like. */
export async function holdProduct(matrix: PackedMatrix): Promise<ProductMatrix> {
  const loaded = (await quantizedProducts()).load(matrix);
  return {
    size: matrix.outputs * matrix.inputs,
    get nonZeros() {
      return countNonZeros(loaded.packed());
    },
    bytes: loaded.bytes,
    packed: () => loaded.packed(),
    rows: (indexes) => decodeOutputs(loaded, indexes),
    convolve: (x, options) => quantizedConv2d(x, loaded, options),
    multiply: (x, options) => quantizedMatMul(x, loaded, options),
    dispose: () => loaded.dispose(),
  };
}

/** Holds the bytes of a matrix for look-ups. */
export function holdTable(matrix: PackedMatrix): TableMatrix {
  return {
    size: matrix.outputs * matrix.inputs,
    get nonZeros() {
      return countNonZeros(matrix);
    },
    bytes: packedBytes(matrix),
    packed: () => matrix,
    rows: (indexes) => dequantizeOutputs(matrix, indexes),
    dispose: () => undefined, // bytes of the host, free once nothing refers to them
  };
}

function countNonZeros(matrix: PackedMatrix): number {
  let count = 0;
  for (const value of dequantize(matrix)) if (value !== 0) count++;
  return count;
}
