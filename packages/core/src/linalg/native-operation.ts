import { backend, getBackend } from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';

interface NativeBackend {
  readonly binding: {
    readonly TF_ATTR_TYPE: number;
    readonly TF_ATTR_BOOL: number;
    readonly TF_FLOAT: number;
  };
  executeMultipleOutputs(name: string, attributes: object[], inputs: Tensor[], outputs: number): Tensor[];
}

/** One result of an operation of TensorFlow. */
export interface NativeOutput {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/**
 * Runs an operation of TensorFlow on a float32 matrix and reads its results.
 *
 * @returns nothing on every engine but `tensorflow`
 */
export function runNative(
  name: 'Svd' | 'Qr' | 'SelfAdjointEigV2' | 'Cholesky',
  flags: Readonly<Record<string, boolean>>,
  a: Tensor2D,
  count: number,
): NativeOutput[] | undefined {
  if (getBackend() !== 'tensorflow' || a.dtype !== 'float32') return undefined;
  const native = backend() as unknown as NativeBackend;
  const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_FLOAT } = native.binding;
  const attributes = [
    { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
    ...Object.entries(flags).map(([flag, value]) => ({ name: flag, type: TF_ATTR_BOOL, value })),
  ];
  return native.executeMultipleOutputs(name, attributes, [a], count).map((output) => {
    const values = Float64Array.from(output.dataSync());
    output.dispose();
    return { shape: output.shape, values };
  });
}
