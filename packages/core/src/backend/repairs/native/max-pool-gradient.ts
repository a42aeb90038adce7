/**
 * The gradient of 2-D max pooling on the native engine by oneDNN, which notes every window's maximum in a workspace.
 *
 * TensorFlow's own `MaxPoolGrad` searches the windows again, one pixel at a time: 20 times as long. Pooling once more for
 * the workspace costs less than keeping it from the forward pass would, with the bookkeeping. A library built without
 * oneDNN keeps TensorFlow's own.
 */
import { backend_util, MaxPoolGrad } from '@tensorflow/tfjs-core';
import type { KernelConfig, KernelFunc, MaxPoolGradAttrs, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { wrapKernel } from '../wrap-kernel.ts';
import { execute, type Attributes } from './operation.ts';

/** The kernel, around the stock one; empty where it is in place or the engine is not there. */
export function nativeMaxPoolGradient(): readonly KernelConfig[] {
  return wrapKernel(
    MaxPoolGrad,
    'oneDNN',
    (stock) => (params) => (present ? byOneDnn(params) : undefined) ?? stock(params),
    'tensorflow',
  );
}

/** Whether the library has oneDNN's operations, as far as is known. */
let present = true;

function byOneDnn({ inputs, attrs, backend }: Parameters<KernelFunc>[0]): TensorInfo | undefined {
  const { dy, input: x } = inputs as { dy: TensorInfo; input: TensorInfo };
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as MaxPoolGradAttrs;
  const shape = x.shape as [number, number, number, number];
  const info = backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  const { type } = info.padInfo;
  if (x.dtype !== 'float32' || (type !== 'SAME' && type !== 'VALID')) return undefined;
  const attributes: Attributes = {
    T: ['type', 'float'],
    ksize: ['ints', [1, info.filterHeight, info.filterWidth, 1]],
    strides: ['ints', [1, info.strideHeight, info.strideWidth, 1]],
    padding: ['text', type],
    data_format: ['text', 'NHWC'],
    workspace_enabled: ['flag', true],
    _kernel: ['text', 'MklNameChangeOp'], // the label under which oneDNN's kernels are registered
  };
  let pooled: Tensor;
  let workspace: Tensor;
  try {
    [pooled, workspace] = execute(backend, '_MklNativeMaxPool', attributes, [x], 2) as [Tensor, Tensor];
  } catch {
    present = false;
    return undefined;
  }
  const [dx] = execute(backend, '_MklNativeMaxPoolGrad', attributes, [x, pooled, dy, workspace]);
  pooled.dispose();
  workspace.dispose();
  return dx!;
}
