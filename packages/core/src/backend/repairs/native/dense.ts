/**
 * A dense layer on the native engine as one kernel on the tape: product, bias and relu, whose gradient is a `ReluGrad`
 * and what the layer's own inputs need of two products and a `BiasAddGrad`. The stock layer records three operations,
 * or reshapes its matrices to batches of one.
 *
 * The layer is the stock one of TensorFlow.js; activations other than relu follow as operations of their own.
 */
import { BatchMatMul, engine, getBackend, Relu, reshape, Sum, tidy } from '@tensorflow/tfjs-core';
import type { GradConfig, KernelConfig, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { compose, type Attributes } from './operation.ts';
import { patchLayer } from './patch-layer.ts';
import { plain } from './plain-product.ts';

/** `relu` keeps its output for the gradient, so that it is a kernel of its own. */
const kinds = [
  { kernelName: 'OckhamDense', relu: false },
  { kernelName: 'OckhamDenseRelu', relu: true },
] as const;

const float: Attributes = { T: ['type', 'float'] };
const channelsLast: Attributes = { ...float, data_format: ['text', 'NHWC'] };

/** `x: [n, in]` · `kernel: [in, out]` + `bias: [out]`, all float32 and none empty; the bias may be missing. */
export const denseKernels: readonly KernelConfig[] = kinds.map(({ kernelName, relu }) => ({
  kernelName,
  backendName: 'tensorflow',
  kernelFunc: ({ inputs, backend }) => {
    const { x, kernel, bias } = inputs as Record<string, TensorInfo>;
    return compose(backend, bias ? [x!, kernel!, bias] : [x!, kernel!], (run, [a, b, c]) => {
      const product = run('MatMul', plain, [a!, b!]);
      const sum = c === undefined ? product : run('BiasAdd', channelsLast, [product, c]);
      return relu ? run(Relu, float, [sum]) : sum;
    });
  },
}));

/** Of operations that are on the tape, so that it has a gradient in turn; `ReluGrad` by the output is that by the input. */
export const denseGradients: readonly GradConfig[] = kinds.map(({ kernelName, relu }) => ({
  kernelName,
  inputsToSave: ['x', 'kernel'],
  outputsToSave: [relu],
  gradFunc: (dy, saved) => {
    const [x, kernel, y] = saved as [Tensor, Tensor, Tensor?];
    const dz = y ? engine().runKernel<Tensor>('ReluGrad', { dy: dy as Tensor, x: y }) : (dy as Tensor);
    return {
      x: () =>
        engine().runKernel<Tensor>(
          BatchMatMul,
          { a: dz, b: kernel },
          { transposeA: false, transposeB: true },
        ),
      kernel: () =>
        engine().runKernel<Tensor>(BatchMatMul, { a: x, b: dz }, { transposeA: true, transposeB: false }),
      bias: () => engine().runKernel<Tensor>(Sum, { x: dz }, { axis: [0], keepDims: false }),
    };
  },
}));

/** The stock layer's fields, which its declaration hides. */
interface Dense {
  readonly kernel: { read(): Tensor };
  readonly bias: { read(): Tensor } | null;
  readonly activation: { getClassName(): string; apply(x: Tensor): Tensor } | null;
  invokeCallHook(inputs: Tensor | Tensor[], kwargs: object): void;
}

/** Makes every `Dense` layer compute this way while the native engine is in use. Does nothing without layers. */
export function installNativeDense(): void {
  patchLayer<Dense>(
    'Dense',
    (stock) =>
      function (...args) {
        const [inputs] = args;
        const x = Array.isArray(inputs) ? inputs[0] : inputs;
        if (getBackend() !== 'tensorflow' || !x || !fits(this, x)) return stock.apply(this, args);
        return tidy(() => {
          this.invokeCallHook(...args);
          return apply(this, x);
        });
      },
  );
}

function fits(layer: Dense, x: Tensor): boolean {
  const kernel = layer.kernel.read();
  return (
    x.rank >= 2 &&
    x.shape.at(-1) === kernel.shape[0] &&
    [x, kernel, layer.bias?.read()].every(
      (tensor) => !tensor || (tensor.dtype === 'float32' && tensor.size > 0),
    )
  );
}

function apply(layer: Dense, x: Tensor): Tensor {
  const kernel = layer.kernel.read();
  const [before, after] = kernel.shape as [number, number];
  const activation = layer.activation?.getClassName() ?? 'linear';
  const inputs = {
    x: x.rank === 2 ? x : reshape(x, [x.size / before, before]),
    kernel,
    ...(layer.bias && { bias: layer.bias.read() }),
  };
  const { kernelName } = kinds[activation === 'relu' ? 1 : 0];
  const rows = engine().runKernel<Tensor>(kernelName, inputs);
  const y = x.rank === 2 ? rows : reshape(rows, [...x.shape.slice(0, -1), after]);
  return ['linear', 'relu'].includes(activation) ? y : layer.activation!.apply(y);
}
