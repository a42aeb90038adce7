/**
 * AlexNet in its 32×32 form.
 *
 * Source: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural
 * networks", in the one-tower form of Krizhevsky 2014 that is usual on CIFAR: five convolutions, one dense layer.
 * Deviations: 2×2 pools instead of 3×3; no local response normalisation; `same` padding in the first, strided
 * convolution (three pixels before and four after, where others put five on each side: the same output size).
 */
import { initializers, layers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError } from '../errors.ts';
import {
  checkInputShape,
  checkInteger,
  layerSeeds,
  outputActivation,
  type ModelOptions,
} from './model-options.ts';

/**
 * AlexNet for 32×32, the default `inputShape` being `[32, 32, 3]`; 2,472,266 parameters.
 *
 * @throws ArgumentError for an option out of range.
 */
export function alexnet32(options: ModelOptions = {}): LayersModel {
  const { inputShape = [32, 32, 3], classes = 10, seed = 0, output = 'softmax' } = options;
  checkInputShape('alexnet32', inputShape, 3);
  if (Math.min(inputShape[0]!, inputShape[1]!) < 29) {
    throw new ArgumentError(
      `alexnet32: images must be at least 29×29, got ${inputShape[0]}×${inputShape[1]}.`,
    );
  }
  checkInteger('alexnet32', 'classes', classes, 2);
  const activation = outputActivation('alexnet32', output);
  const seeds = layerSeeds(seed);
  const convolution = (name: string, filters: number, kernelSize: number, strides = 1) =>
    layers.conv2d({
      name,
      filters,
      kernelSize,
      strides,
      padding: 'same',
      activation: 'relu',
      kernelInitializer: initializers.heNormal({ seed: seeds(name) }),
      ...(name === 'conv1' ? { inputShape: [...inputShape] } : {}),
    });

  return sequential({
    name: 'alexnet32',
    layers: [
      convolution('conv1', 64, 11, 4),
      layers.maxPooling2d({ name: 'pool1', poolSize: 2 }),
      convolution('conv2', 192, 5),
      layers.maxPooling2d({ name: 'pool2', poolSize: 2 }),
      convolution('conv3', 384, 3),
      convolution('conv4', 256, 3),
      convolution('conv5', 256, 3),
      layers.maxPooling2d({ name: 'pool5', poolSize: 2 }),
      layers.flatten({ name: 'flatten' }),
      layers.dense({
        name: 'output',
        units: classes,
        activation,
        kernelInitializer: initializers.glorotUniform({ seed: seeds('output') }),
      }),
    ],
  });
}
