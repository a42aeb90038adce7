/** A packed matrix in memory, for look-ups or for products. */
import {
  dequantize,
  packedBytes,
  quantizedMatMul,
  quantizedProducts,
  rowBytes,
  type PackedMatrix,
  type QuantizedMatMulOptions,
} from '@ockham/core/kernels';
import type { Tensor } from '@tensorflow/tfjs-core';

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
  /** All of it, `[outputs, inputs]`. */
  dense(): Float32Array;
}

/** A matrix that inputs are multiplied by. */
export interface ProductMatrix extends HeldMatrix {
  /** activation(x Mᵀ + bias), `[…, inputs]` to `[…, outputs]`. */
  multiply(x: Tensor, options: QuantizedMatMulOptions): Tensor;
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
    rows: (indexes) => dequantize(takeRows(matrix, indexes)),
    dense: () => dequantize(matrix),
    dispose: () => undefined, // bytes of the host, free once nothing refers to them
  };
}

/** The rows at `indexes`, packed. */
export function takeRows(matrix: PackedMatrix, indexes: ArrayLike<number>): PackedMatrix {
  const { coding, inputs, group, codes, scales, zeros } = matrix;
  const [width, groups] = [rowBytes(coding, inputs), Math.ceil(inputs / group)];
  const shared = scales.length === 1;
  const taken = {
    codes: new Uint8Array(indexes.length * width),
    scales: shared ? scales : new Uint16Array(indexes.length * groups),
    zeros: shared || !zeros ? zeros : new Uint8Array(indexes.length * groups),
  };
  for (let i = 0; i < indexes.length; i++) {
    const row = indexes[i]!;
    taken.codes.set(codes.subarray(row * width, (row + 1) * width), i * width);
    if (shared) continue;
    taken.scales.set(scales.subarray(row * groups, (row + 1) * groups), i * groups);
    if (zeros) taken.zeros!.set(zeros.subarray(row * groups, (row + 1) * groups), i * groups);
  }
  const { zeros: kept, ...rest } = taken;
  return { coding, inputs, group, outputs: indexes.length, ...rest, ...(kept && { zeros: kept }) };
}

function countNonZeros(matrix: PackedMatrix): number {
  let count = 0;
  for (const value of dequantize(matrix)) if (value !== 0) count++;
  return count;
}
