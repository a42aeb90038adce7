import {
  findBackendFactory,
  getKernel,
  registerGradient,
  registerKernel,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import type { KernelConfig } from '@tensorflow/tfjs-core';
import { conv2dKernels } from '../wasm-kernels/conv2d.ts';
import { batchNormKernels, normalSumsKernels } from '../wasm-kernels/batch-norm.ts';
import { blockAttentionKernels } from '../wasm-kernels/block-attention.ts';
import { functionKernels } from '../wasm-kernels/functions.ts';
import { gatherKernels } from '../wasm-kernels/gather.ts';
import { layerNormGradients, layerNormKernels } from '../wasm-kernels/layer-norm.ts';
import { matMulKernels } from '../wasm-kernels/mat-mul.ts';
import { poolKernels } from '../wasm-kernels/pool2d.ts';
import { reluKernels } from '../wasm-kernels/relu.ts';
import { rowOperationKernels } from '../wasm-kernels/row-operations.ts';
import { shareKernels } from '../wasm-kernels/share.ts';
import { sumKernels } from '../wasm-kernels/sum.ts';
import { installAdam } from './adam.ts';
import { batchNormGradients } from './batch-norm-gradient.ts';
import { castKernels } from './cast-to-bool.ts';
import { conv2dGradientKernels } from './conv2d-gradients.ts';
import { depthwiseGradientKernels, depthwiseGradients } from './depthwise-gradients.ts';
import { dilatedConv2dGradients } from './dilated-conv2d-gradient.ts';
import { fusedProductKernels } from './fused-product.ts';
import { meanGradients } from './mean-gradient.ts';
import { mixedBatchKernels } from './mixed-batches.ts';
import { installNativeRepairs } from './native/install.ts';
import { numericPaddingKernels } from './numeric-padding.ts';
import { oneHotKernels } from './one-hot.ts';
import { poolingKernels } from './pooling.ts';
import { reluGradientKernels, reluGradients } from './relu-gradients.ts';
import { samePaddingKernels } from './same-padding.ts';
import { segmentSumKernels } from './segment-sum.ts';
import { isWithin } from './wrap-kernel.ts';
import { wrongKernels } from './wrong-kernels.ts';

const kernels: readonly KernelConfig[] = [
  ...blockAttentionKernels,
  ...conv2dGradientKernels,
  ...depthwiseGradientKernels,
  ...layerNormKernels,
  ...normalSumsKernels,
  ...oneHotKernels,
  ...poolingKernels,
  ...reluGradientKernels,
  ...segmentSumKernels,
  ...wrongKernels,
];

/**
 * Registers what the stock engines lack or compute wrongly, for the engines that are registered so far.
 * `useBackend` calls it; an application that sets its engine itself calls it after `@tensorflow/tfjs` and the
 * engine are imported. Calling it again changes nothing.
 */
export function installRepairs(): void {
  for (const kernel of [...kernels, ...castKernels(), ...samePaddingKernels()])
    if (findBackendFactory(kernel.backendName)) replaceKernel(kernel);
  const own = [
    ...matMulKernels(),
    ...conv2dKernels(),
    ...sumKernels(),
    ...shareKernels(),
    ...reluKernels(),
    ...functionKernels(),
    ...gatherKernels(),
    ...rowOperationKernels(),
    ...batchNormKernels(),
    ...poolKernels(),
  ];
  for (const kernel of own) replaceKernel(kernel);
  for (const kernel of [...mixedBatchKernels(), ...fusedProductKernels()]) replaceKernel(kernel);
  installNativeRepairs(replaceKernel);
  for (const kernel of numericPaddingKernels()) replaceKernel(kernel); // last: outermost
  const gradients = [
    ...reluGradients(),
    ...dilatedConv2dGradients(),
    ...batchNormGradients(),
    ...depthwiseGradients(),
    ...meanGradients(),
    ...layerNormGradients,
  ];
  for (const gradient of gradients) registerGradient(gradient);
  installAdam();
}

function replaceKernel(config: KernelConfig): void {
  const present = getKernel(config.kernelName, config.backendName);
  if (present && isWithin(config.kernelFunc, present.kernelFunc)) return;
  if (present) unregisterKernel(config.kernelName, config.backendName);
  registerKernel(config);
}
