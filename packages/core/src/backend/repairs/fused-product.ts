/**
 * A fused product whose operand is transposed, or of several matrices, on the wasm engine: the stock kernel adds the first
 * number of the bias to every column. Here product, bias and activation are taken one after the other.
 */
import {
  _FusedMatMul,
  Add,
  BatchMatMul,
  Elu,
  getKernel,
  LeakyRelu,
  Prelu,
  Relu,
  Relu6,
  Sigmoid,
  util,
} from '@tensorflow/tfjs-core';
import type { _FusedMatMulAttrs, KernelConfig, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { wrapKernel } from './wrap-kernel.ts';

const activations: Readonly<Record<string, string>> = {
  relu: Relu,
  relu6: Relu6,
  elu: Elu,
  sigmoid: Sigmoid,
  leakyrelu: LeakyRelu,
  prelu: Prelu,
};

/** The kernel, around what is registered; empty where it is in place or the engine is not there. */
export function fusedProductKernels(): readonly KernelConfig[] {
  return wrapKernel(_FusedMatMul, 'each column its bias', (present) => (params) => {
    const { transposeA, transposeB, activation, leakyreluAlpha } =
      params.attrs as unknown as _FusedMatMulAttrs;
    const { a, b, bias, preluActivationWeights: alpha } = params.inputs as Record<string, TensorInfo>;
    const isOne = util.sizeFromShape(b!.shape.slice(0, -2)) === 1;
    if (!transposeA && !transposeB && isOne) return present(params);
    const backend = params.backend as Backend;
    const steps: (readonly [name: string, inputs: Inputs, attrs?: Attrs])[] = [];
    if (bias) steps.push([Add, { b: bias }]);
    const name = activations[activation ?? 'linear'];
    if (name) steps.push([name, alpha ? { alpha } : {}, { alpha: leakyreluAlpha }]);
    let y = run(backend, BatchMatMul, { a: a!, b: b! }, { transposeA, transposeB });
    for (const [kernel, others, attrs] of steps) {
      const before = y;
      y = run(backend, kernel, { [kernel === Add ? 'a' : 'x']: before, ...others }, attrs);
      backend.disposeData(before.dataId);
    }
    return y;
  });
}

interface Backend {
  disposeData(dataId: object): boolean;
}
type Inputs = Readonly<Record<string, TensorInfo>>;
type Attrs = Readonly<Record<string, unknown>>;

function run(backend: Backend, name: string, inputs: Inputs, attrs: Attrs = {}): TensorInfo {
  const params = { backend, inputs, attrs } as unknown as Parameters<KernelFunc>[0];
  return getKernel(name, 'wasm').kernelFunc(params) as TensorInfo;
}
