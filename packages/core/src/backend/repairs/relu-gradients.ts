/**
 * One-operation gradients of relu and relu6 on the native engine and, by our kernels, on wasm.
 *
 * The stock gradient is `dy · cast(step(x))`: three passes over the widest tensors of a network. TensorFlow has
 * the operation itself. On every other engine the stock gradient is kept.
 */
import {
  backend,
  engine,
  getBackend,
  getGradient,
  Relu,
  Relu6,
  util,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { GradConfig, KernelConfig, Tensor, TensorInfo } from '@tensorflow/tfjs-core';

import { kernelsOf } from '../wasm-kernels/attach.ts';
import { hostOf } from './host.ts';

interface NativeBackend {
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_FLOAT: number };
  executeSingleOutput(name: string, attrs: object[], inputs: TensorInfo[]): TensorInfo;
}

const operations = [
  { forward: Relu, backward: 'ReluGrad', high: Infinity },
  { forward: Relu6, backward: 'Relu6Grad', high: 6 },
] as const;

/** TensorFlow's own operations and ours as kernels, so that they are on the tape and have a gradient in turn. */
export const reluGradientKernels: readonly KernelConfig[] = operations.flatMap(({ backward, high }) => [
  {
    kernelName: backward,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, backend: engineInUse }) => {
      const { dy, x } = inputs as { dy: TensorInfo; x: TensorInfo };
      const native = engineInUse as NativeBackend;
      const type = { name: 'T', type: native.binding.TF_ATTR_TYPE, value: native.binding.TF_FLOAT };
      return native.executeSingleOutput(backward, [type], [dy, x]);
    },
  },
  {
    kernelName: backward,
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend: engineInUse }) => {
      const { dy, x } = inputs as { dy: TensorInfo; x: TensorInfo };
      const dx = hostOf(engineInUse).allocate(x.shape, 'float32');
      const { kernels, address } = kernelsOf(engineInUse)!;
      kernels.reluGradient(util.sizeFromShape(x.shape), address(dy), address(x), address(dx), high);
      return dx;
    },
  },
]);

/** Whether the engine in use has the operation for this tensor. */
function isOneOperation({ dtype }: Tensor): boolean {
  return getBackend() === 'tensorflow' || (dtype === 'float32' && kernelsOf(backend()) !== undefined);
}

/**
 * The gradients to register over the stock ones; empty while no gradient of relu is known, that is before
 * `@tensorflow/tfjs` is imported.
 */
export function reluGradients(): readonly GradConfig[] {
  return operations.flatMap(({ forward, backward }) => {
    const stock = getGradient(forward);
    if (!stock || ours.has(stock)) return [];
    const passOn: GradConfig = {
      kernelName: backward,
      inputsToSave: ['x'],
      gradFunc: (ddx, saved) => {
        const [x] = saved as [Tensor];
        return { dy: () => runBackward(backward, ddx as Tensor, x), x: () => zerosLike(x) };
      },
    };
    const replacement: GradConfig = {
      ...stock,
      gradFunc: (dy, saved, attrs) => {
        const [x] = saved as [Tensor];
        if (!isOneOperation(x)) return stock.gradFunc(dy, saved, attrs);
        return { x: () => runBackward(backward, dy as Tensor, x) };
      },
    };
    ours.add(replacement);
    return [replacement, passOn];
  });
}

const ours = new WeakSet<GradConfig>();

function runBackward(kernel: string, dy: Tensor, x: Tensor): Tensor {
  return engine().runKernel(kernel, { dy, x });
}
