/**
 * One-operation gradients of sigmoid, tanh, leaky relu and softplus on the native engine; those of relu, relu6 and elu
 * are one elsewhere. The stock gradients make two to four passes over the tensor. Every other engine keeps them.
 */
import {
  engine,
  getBackend,
  getGradient,
  LeakyRelu,
  mul,
  sigmoid,
  Sigmoid,
  Softplus,
  sub,
  Tanh,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { GradConfig, KernelConfig, NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { executeOne } from './operation.ts';

/** `saved` is what the stock gradient keeps: the output y of the first two, the input x of the others. */
interface Activation {
  readonly forward: string;
  readonly backward: string;
  /** The gradient of the backward operation by `saved`, given the gradients that meet there. */
  readonly second: (ddx: Tensor, dy: Tensor, saved: Tensor) => Tensor;
  /** Whether TensorFlow takes `saved` before dy. */
  readonly savedFirst: boolean;
}

const activations: readonly Activation[] = [
  {
    forward: Sigmoid,
    backward: 'SigmoidGrad', // dy·y·(1 − y)
    second: (ddx, dy, y) => mul(mul(ddx, dy), sub(1, mul(y, 2))),
    savedFirst: true,
  },
  {
    forward: Tanh,
    backward: 'TanhGrad', // dy·(1 − y²)
    second: (ddx, dy, y) => mul(mul(ddx, dy), mul(y, -2)),
    savedFirst: true,
  },
  { forward: LeakyRelu, backward: 'LeakyReluGrad', second: (_, __, x) => zerosLike(x), savedFirst: false },
  {
    forward: Softplus,
    backward: 'SoftplusGrad', // dy·σ(x)
    second: (ddx, dy, x) => {
      const s = sigmoid(x);
      return mul(mul(ddx, dy), mul(s, sub(1, s)));
    },
    savedFirst: false,
  },
];

/** TensorFlow's own operations as kernels, so that they are on the tape and have a gradient in turn. */
export const activationGradientKernels: readonly KernelConfig[] = activations.map(
  ({ backward, savedFirst }) => ({
    kernelName: backward,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { dy, saved } = inputs as { dy: TensorInfo; saved: TensorInfo };
      const { alpha } = (attrs ?? {}) as { alpha?: number };
      return executeOne(
        backend,
        backward,
        { T: ['type', 'float'], ...(alpha === undefined ? {} : { alpha: ['number', alpha] as const }) },
        savedFirst ? [saved, dy] : [dy, saved],
      );
    },
  }),
);

/** The gradients to register over the stock ones; empty where they are in place or `@tensorflow/tfjs` is not imported. */
export function activationGradients(): readonly GradConfig[] {
  return activations.flatMap(({ forward, backward, second }) => {
    const stock = getGradient(forward);
    if (!stock || ours.has(stock)) return [];
    const run = (dy: Tensor, saved: Tensor, attrs: NamedAttrMap): Tensor =>
      engine().runKernel(backward, { dy, saved }, attrs);
    const replacement: GradConfig = {
      ...stock,
      gradFunc: (dy, kept, attrs) => {
        const [saved] = kept as [Tensor];
        const plain = dy as Tensor;
        const fits = getBackend() === 'tensorflow' && plain.dtype === 'float32' && saved.dtype === 'float32';
        return fits ? { x: () => run(plain, saved, attrs) } : stock.gradFunc(dy, kept, attrs);
      },
    };
    const again: GradConfig = {
      kernelName: backward,
      inputsToSave: ['dy', 'saved'],
      gradFunc: (ddx, kept, attrs) => {
        const [dy, saved] = kept as [Tensor, Tensor];
        return {
          dy: () => run(ddx as Tensor, saved, attrs),
          saved: () => second(ddx as Tensor, dy, saved),
        };
      },
    };
    ours.add(replacement);
    return [replacement, again];
  });
}

const ours = new WeakSet<GradConfig>();
