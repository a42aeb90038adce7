/**
 * The gradient of softmax on the native engine as one kernel, y·(dy − Σ dy·y), where the stock one records four operations.
 */
import { engine, getBackend, getGradient, mul, Softmax, sub, sum } from '@tensorflow/tfjs-core';
import type { GradConfig, KernelConfig, SoftmaxAttrs, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { compose, type Attributes, type NativeBackend } from './operation.ts';

const kernelName = 'OckhamSoftmaxGrad';

const float: Attributes = { T: ['type', 'float'] };
const rows: Attributes = { ...float, Tidx: ['type', 'int'], keep_dims: ['flag', true] };

/** Of `dy` and the output `y`, over the last axis. */
export const softmaxGradientKernel: KernelConfig = {
  kernelName,
  backendName: 'tensorflow',
  kernelFunc: ({ inputs, backend }) => {
    const { dy, y } = inputs as { dy: TensorInfo; y: TensorInfo };
    const { binding } = backend as NativeBackend;
    const axis = binding.createTensor([], binding.TF_INT32, Int32Array.of(-1));
    try {
      return compose(backend, [dy, y], (run, [upstream, output]) => {
        const product = run('Mul', float, [upstream!, output!]);
        const difference = run('Sub', float, [upstream!, run('Sum', rows, [product, axis])]);
        return run('Mul', float, [difference, output!]);
      });
    } finally {
      binding.deleteTensor(axis);
    }
  },
};

/** Its own gradient, by `dy` the same again. */
const again: GradConfig = {
  kernelName,
  inputsToSave: ['dy', 'y'],
  gradFunc: (ddx, saved) => {
    const [dy, y] = saved as [Tensor, Tensor];
    const g = ddx as Tensor;
    const along = (tensor: Tensor): Tensor => sum(mul(tensor, y), -1, true);
    return {
      dy: () => run(g, y),
      y: () => sub(mul(g, sub(dy, along(dy))), mul(dy, along(g))),
    };
  },
};

/** The gradients to register over the stock one; empty where they are in place or `@tensorflow/tfjs` is not imported. */
export function softmaxGradients(): readonly GradConfig[] {
  const stock = getGradient(Softmax);
  if (!stock || ours.has(stock)) return [];
  const replacement: GradConfig = {
    ...stock,
    gradFunc: (dy, saved, attrs) => {
      const [y] = saved as [Tensor];
      const { dim } = attrs as unknown as SoftmaxAttrs;
      const plain = dy as Tensor;
      const fits = dim === y.rank - 1 && plain.dtype === 'float32' && y.dtype === 'float32' && y.size > 0;
      if (getBackend() !== 'tensorflow' || !fits) return stock.gradFunc(dy, saved, attrs);
      return { logits: () => run(plain, y) };
    },
  };
  ours.add(replacement);
  return [replacement, again];
}

const ours = new WeakSet<GradConfig>();

function run(dy: Tensor, y: Tensor): Tensor {
  return engine().runKernel(kernelName, { dy, y });
}
