/**
 * A product of two matrices on the native engine by TensorFlow's `MatMul`, where the binding asks for `BatchMatMulV2`: that one is
 * slower unless the second operand alone is transposed.
 */
import { BatchMatMul, util } from '@tensorflow/tfjs-core';
import type { BatchMatMulAttrs, KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { wrapKernel } from '../wrap-kernel.ts';
import { executeOne, type Attributes } from './operation.ts';

/** The kernel, around the stock one; empty where it is in place or the engine is not there. */
export function plainProductKernels(): readonly KernelConfig[] {
  return wrapKernel(
    BatchMatMul,
    'plain product',
    (stock) => (params) => {
      const { a, b } = params.inputs as { a: TensorInfo; b: TensorInfo };
      const { transposeA, transposeB } = params.attrs as unknown as BatchMatMulAttrs;
      const matrices = [a, b].every(
        ({ shape, dtype }) => shape.length === 2 && dtype === 'float32' && util.sizeFromShape(shape) > 0,
      );
      if (!matrices) return stock(params);
      if (transposeB && !transposeA) return executeOne(params.backend, 'BatchMatMulV2', secondOnly, [a, b]);
      const attributes = transposeA ? (transposeB ? both : firstOnly) : plain;
      return executeOne(params.backend, 'MatMul', attributes, [a, b]);
    },
    'tensorflow',
  );
}

/** Attributes of `MatMul` with neither operand transposed. */
export const plain: Attributes = transposed(false, false);
const firstOnly = transposed(true, false);
const both = transposed(true, true);
const secondOnly: Attributes = { T: ['type', 'float'], adj_x: ['flag', false], adj_y: ['flag', true] };

function transposed(a: boolean, b: boolean): Attributes {
  return { T: ['type', 'float'], transpose_a: ['flag', a], transpose_b: ['flag', b] };
}
