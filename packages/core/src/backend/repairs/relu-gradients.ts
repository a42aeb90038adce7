/**
 * One-operation gradients of relu and relu6 on the native engine.
 *
 * The stock gradient is `dy · cast(step(x))`: three passes over the widest tensors of a network. TensorFlow has
 * the operation itself. On every other engine the stock gradient is kept.
 */
import { engine, getBackend, getGradient, Relu, Relu6, zerosLike } from '@tensorflow/tfjs-core';
import type { GradConfig, KernelConfig, Tensor, TensorInfo } from '@tensorflow/tfjs-core';

interface NativeBackend {
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_FLOAT: number };
  executeSingleOutput(name: string, attrs: object[], inputs: TensorInfo[]): TensorInfo;
}

const operations = [
  { forward: Relu, backward: 'ReluGrad' },
  { forward: Relu6, backward: 'Relu6Grad' },
] as const;

/** TensorFlow's own operations as kernels, so that they are on the tape and have a gradient in turn. */
export const reluGradientKernels: readonly KernelConfig[] = operations.map(({ backward }) => ({
  kernelName: backward,
  backendName: 'tensorflow',
  kernelFunc: ({ inputs, backend }) => {
    const { dy, x } = inputs as { dy: TensorInfo; x: TensorInfo };
    const native = backend as NativeBackend;
    const type = { name: 'T', type: native.binding.TF_ATTR_TYPE, value: native.binding.TF_FLOAT };
    return native.executeSingleOutput(backward, [type], [dy, x]);
  },
}));

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
        if (getBackend() !== 'tensorflow') return stock.gradFunc(dy, saved, attrs);
        const [x] = saved as [Tensor];
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
