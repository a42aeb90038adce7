/**
 * Batch normalisation in training on the native engine by TensorFlow's `FusedBatchNormV3` and its gradient: one pass each
 * way, where the layer composes the moments, their gradients and the normalisation of about thirty.
 *
 * The layer is the stock one of TensorFlow.js; a layer without scale or offset, or not over the last axis, keeps its own way.
 */
import { add, engine, getBackend, mul, reshape, sub, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { GradConfig, KernelConfig, Tensor, Tensor1D, TensorInfo } from '@tensorflow/tfjs-core';
import { execute, type Attributes } from './operation.ts';
import { patchLayer } from './patch-layer.ts';

const kernelName = 'OckhamBatchNormTraining';

const attributes = (epsilon: number): Attributes => ({
  T: ['type', 'float'],
  U: ['type', 'float'],
  epsilon: ['number', epsilon],
  data_format: ['text', 'NHWC'],
  is_training: ['flag', true],
});

/** `[y, mean, variance with Bessel's correction, …]`; the last three are for the gradient. */
export const batchNormTrainingKernel: KernelConfig = {
  kernelName,
  backendName: 'tensorflow',
  kernelFunc: ({ inputs, attrs, backend }) => {
    const { x, scale, offset } = inputs as Record<string, TensorInfo>;
    const { epsilon } = attrs as unknown as { epsilon: number };
    const none = tensor1d(new Float32Array(0)); // statistics to start from: unused
    const outputs = execute(
      backend,
      'FusedBatchNormV3',
      attributes(epsilon),
      [x!, scale!, offset!, none, none],
      6,
    );
    none.dispose();
    return outputs;
  },
};

/** Its gradient, for x, scale and offset; the statistics are only read. */
export const batchNormTrainingGradient: GradConfig = {
  kernelName,
  inputsToSave: ['x', 'scale'],
  outputsToSave: [false, false, false, true, true, true],
  gradFunc: (dy, saved, attrs) => {
    const [x, scale, ...kept] = saved;
    const [plain] = dy as Tensor[];
    const { epsilon } = attrs as unknown as { epsilon: number };
    const inputs = { dy: plain!, x: x!, scale: scale!, mean: kept[0]!, spread: kept[1]!, rest: kept[2]! };
    const [dx, dScale, dOffset] = engine().runKernel<Tensor[]>(`${kernelName}Grad`, inputs, { epsilon }) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    return { x: () => dx, scale: () => dScale, offset: () => dOffset };
  },
};

/** The gradient's own kernel. */
export const batchNormTrainingBackward: KernelConfig = {
  kernelName: `${kernelName}Grad`,
  backendName: 'tensorflow',
  kernelFunc: ({ inputs, attrs, backend }) => {
    const { dy, x, scale, mean, spread, rest } = inputs as Record<string, TensorInfo>;
    const { epsilon } = attrs as unknown as { epsilon: number };
    const all = [dy!, x!, scale!, mean!, spread!, rest!];
    const [dx, dScale, dOffset, ...unused] = execute(
      backend,
      'FusedBatchNormGradV3',
      attributes(epsilon),
      all,
      5,
    );
    for (const tensor of unused) tensor.dispose();
    return [dx!, dScale!, dOffset!];
  },
};

interface Weight {
  read(): Tensor1D;
  write(value: Tensor): void;
}

/** The stock layer's fields, which its declaration hides. */
interface BatchNormalization {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gamma: Weight | undefined;
  readonly beta: Weight | undefined;
  readonly movingMean: Weight;
  readonly movingVariance: Weight;
}

/** Makes every `BatchNormalization` layer train this way while the native engine is in use. Does nothing without layers. */
export function installNativeBatchNorm(): void {
  patchLayer<BatchNormalization>(
    'BatchNormalization',
    (stock) =>
      function (...args) {
        const [inputs, kwargs] = args;
        const x = Array.isArray(inputs) ? inputs[0]! : inputs;
        const last = this.axis === -1 || this.axis === x.rank - 1;
        const fits = last && x.rank >= 2 && x.dtype === 'float32' && x.size > 0 && this.gamma && this.beta;
        if (getBackend() !== 'tensorflow' || !kwargs.training || !fits) return stock.apply(this, args);
        return tidy(() => normalise(this, x));
      },
  );
}

function normalise(layer: BatchNormalization, x: Tensor): Tensor {
  const { momentum, epsilon, gamma, beta, movingMean, movingVariance } = layer;
  const channels = x.shape.at(-1)!;
  const count = x.size / channels;
  const image = x.rank === 4 ? x : reshape(x, [count, 1, 1, channels]);
  const inputs = { x: image, scale: gamma!.read(), offset: beta!.read() };
  const [y, mean, corrected] = engine().runKernel<Tensor[]>(kernelName, inputs, { epsilon }) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const variance = mul(corrected, Math.max(count - 1, 1) / count);
  for (const [average, value] of [
    [movingMean, mean],
    [movingVariance, variance],
  ] as const) {
    const present = average.read();
    average.write(add(present, mul(sub(value, present), 1 - momentum)));
  }
  return x.rank === 4 ? y : reshape(y, x.shape);
}
