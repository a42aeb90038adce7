/**
 * LeNet-5 and LeNet-300-100, the two networks that pruning results on MNIST are compared on.
 *
 * Source: LeCun, Bottou, Bengio and Haffner 1998, in the form that Caffe distributed and that Han et al. 2015,
 * Guo et al. 2016 and their successors report.
 */
import { initializers, layers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import { mlp } from './mlp.ts';
import {
  checkImageSize,
  checkInputShape,
  checkInteger,
  layerSeeds,
  outputActivation,
  type ModelOptions,
} from './model-options.ts';

/** Options of {@link lenet5}. */
export interface Lenet5Options extends ModelOptions {
  /**
   * Activation of both convolutions. Default `linear`: Caffe's network has none there, only max pooling.
   */
  readonly convolutionActivation?: 'linear' | 'relu';
}

/**
 * LeNet-5 of the pruning literature: convolution 20 5×5, pool, convolution 50 5×5, pool, dense 500 relu,
 * softmax; 430,500 weights and 580 biases on `[28, 28, 1]`, the default `inputShape`.
 *
 * @throws ArgumentError for an option out of range.
 */
export function lenet5(options: Lenet5Options = {}): LayersModel {
  const {
    inputShape = [28, 28, 1],
    classes = 10,
    seed = 0,
    output = 'softmax',
    convolutionActivation = 'linear',
  } = options;
  checkInputShape('lenet5', inputShape, 3);
  checkImageSize('lenet5', inputShape, [[5, 1], [2, 2], [5, 1], [2, 2]]); // prettier-ignore
  checkInteger('lenet5', 'classes', classes, 2);
  const activation = outputActivation('lenet5', output);
  const seeds = layerSeeds(seed);
  const kernelInitializer = (name: string) => initializers.glorotUniform({ seed: seeds(name) });

  return sequential({
    name: 'lenet5',
    layers: [
      layers.conv2d({
        name: 'conv1',
        inputShape: [...inputShape],
        filters: 20,
        kernelSize: 5,
        activation: convolutionActivation,
        kernelInitializer: kernelInitializer('conv1'),
      }),
      layers.maxPooling2d({ name: 'pool1', poolSize: 2 }),
      layers.conv2d({
        name: 'conv2',
        filters: 50,
        kernelSize: 5,
        activation: convolutionActivation,
        kernelInitializer: kernelInitializer('conv2'),
      }),
      layers.maxPooling2d({ name: 'pool2', poolSize: 2 }),
      layers.flatten({ name: 'flatten' }),
      layers.dense({
        name: 'dense1',
        units: 500,
        activation: 'relu',
        kernelInitializer: kernelInitializer('dense1'),
      }),
      layers.dense({
        name: 'output',
        units: classes,
        activation,
        kernelInitializer: kernelInitializer('output'),
      }),
    ],
  });
}

/**
 * LeNet-300-100: dense 300 relu, dense 100 relu, softmax; 266,200 weights and 410 biases on `[28, 28, 1]`,
 * the default `inputShape`.
 *
 * @throws ArgumentError for an option out of range.
 */
export function lenet300100(options: ModelOptions = {}): LayersModel {
  return mlp({ inputShape: [28, 28, 1], ...options, units: [300, 100], name: 'lenet300100' });
}
