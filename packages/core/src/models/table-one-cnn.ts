/**
 * The network that the Frank-Wolfe pruning paper prunes.
 *
 * Source: "Algorithmic Variants of Frank-Wolfe for Convolutional Neural Network Pruning", Table 1.
 */
import { initializers, layers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import {
  checkDropout,
  checkImageSize,
  checkInputShape,
  checkInteger,
  layerSeeds,
  outputActivation,
  type ModelOptions,
} from './model-options.ts';

/** Options of {@link tableOneCnn}. */
export interface TableOneCnnOptions extends ModelOptions {
  /** Fraction dropped before the last layer while training, in [0, 1). Default 0.5. */
  readonly dropout?: number;
}

/**
 * The CNN of Table 1: convolution 32 3×3, pool, convolution 64 3×3, pool, dropout, softmax;
 * 34,826 parameters on `[28, 28, 1]`, the default `inputShape`.
 *
 * @throws ArgumentError for an option out of range.
 *
 * @example
 * const model = tableOneCnn({ seed: 7 });
 */
export function tableOneCnn(options: TableOneCnnOptions = {}): LayersModel {
  const { inputShape = [28, 28, 1], classes = 10, seed = 0, output = 'softmax', dropout = 0.5 } = options;
  checkInputShape('tableOneCnn', inputShape, 3);
  checkImageSize('tableOneCnn', inputShape, [[3, 1], [2, 2], [3, 1], [2, 2]]); // prettier-ignore
  checkInteger('tableOneCnn', 'classes', classes, 2);
  checkDropout('tableOneCnn', dropout);
  const activation = outputActivation('tableOneCnn', output);
  const seeds = layerSeeds(seed);
  const kernelInitializer = (name: string) => initializers.glorotUniform({ seed: seeds(name) });

  return sequential({
    name: 'table_one_cnn',
    layers: [
      layers.conv2d({
        name: 'conv1',
        inputShape: [...inputShape],
        filters: 32,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer: kernelInitializer('conv1'),
      }),
      layers.maxPooling2d({ name: 'pool1', poolSize: 2 }),
      layers.conv2d({
        name: 'conv2',
        filters: 64,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer: kernelInitializer('conv2'),
      }),
      layers.maxPooling2d({ name: 'pool2', poolSize: 2 }),
      layers.flatten({ name: 'flatten' }),
      layers.dropout({ name: 'dropout', rate: dropout }),
      layers.dense({
        name: 'output',
        units: classes,
        activation,
        kernelInitializer: kernelInitializer('output'),
      }),
    ],
  });
}
