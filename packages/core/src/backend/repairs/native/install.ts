import { findBackendFactory, registerGradient } from '@tensorflow/tfjs-core';
import type { KernelConfig } from '@tensorflow/tfjs-core';
import { activationGradientKernels, activationGradients } from './activation-gradients.ts';
import {
  batchNormTrainingBackward,
  batchNormTrainingGradient,
  batchNormTrainingKernel,
  installNativeBatchNorm,
} from './batch-norm.ts';
import { biasGradientKernels } from './bias-gradient.ts';
import { denseGradients, denseKernels, installNativeDense } from './dense.ts';
import { explicitPaddingKernels } from './explicit-padding.ts';
import { nativeMaxPoolGradient } from './max-pool-gradient.ts';
import { oneColumnKernels } from './one-column.ts';
import { plainProductKernels } from './plain-product.ts';
import { nativeShareKernels } from './share.ts';
import { softmaxGradientKernel, softmaxGradients } from './softmax-gradient.ts';
import { stridedPointwiseKernels } from './strided-pointwise.ts';

/** Registers what TensorFlow itself does better than the binding asks it to. Does nothing without the native engine. */
export function installNativeRepairs(replaceKernel: (kernel: KernelConfig) => void): void {
  if (!findBackendFactory('tensorflow')) return;
  const kernels = [
    ...activationGradientKernels,
    batchNormTrainingKernel,
    batchNormTrainingBackward,
    ...biasGradientKernels(),
    ...denseKernels,
    ...nativeMaxPoolGradient(),
    ...oneColumnKernels(),
    ...plainProductKernels(),
    ...nativeShareKernels(),
    softmaxGradientKernel,
    ...stridedPointwiseKernels(),
  ];
  for (const kernel of kernels) replaceKernel(kernel);
  for (const kernel of explicitPaddingKernels()) replaceKernel(kernel); // around the above
  const gradients = [
    ...activationGradients(),
    batchNormTrainingGradient,
    ...denseGradients,
    ...softmaxGradients(),
  ];
  for (const gradient of gradients) registerGradient(gradient);
  installNativeBatchNorm();
  installNativeDense();
}
