/**
 * VGG-11, VGG-16 and VGG-19 for 32×32 images.
 *
 * Source: Simonyan and Zisserman 2014, "Very deep convolutional networks", table 1, columns A, D and E.
 * Deviations: the three dense layers, made for 7×7×512 features, are one, as is usual on 32×32.
 */
import { initializers, layers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError } from '../errors.ts';
import {
  checkDropout,
  checkImageSize,
  checkInputShape,
  checkInteger,
  layerSeeds,
  outputActivation,
  type ModelOptions,
} from './model-options.ts';

/** Options of the VGG networks. */
export interface VggOptions extends ModelOptions {
  /** Number of weighted layers in the paper: 11, 16 or 19. Default 16. */
  readonly depth?: 11 | 16 | 19;
  /** Fraction of the paper's filters in every convolution, > 0, rounded, at least one. Default 1. */
  readonly width?: number;
  /** Normalise after every convolution. Default true: without it these networks hardly train. */
  readonly batchNorm?: boolean;
  /** Fraction dropped before the last layer while training, in [0, 1). Default 0. */
  readonly dropout?: number;
}

/** Convolution widths by stage; a 2×2 max pool ends each stage. */
const STAGES: Readonly<Record<number, readonly (readonly number[])[]>> = {
  11: [[64], [128], [256, 256], [512, 512], [512, 512]],
  16: [
    [64, 64],
    [128, 128],
    [256, 256, 256],
    [512, 512, 512],
    [512, 512, 512],
  ],
  19: [
    [64, 64],
    [128, 128],
    [256, 256, 256, 256],
    [512, 512, 512, 512],
    [512, 512, 512, 512],
  ],
};

/**
 * VGG for 32×32, the default `inputShape` being `[32, 32, 3]`. With batch normalisation depth 11 has 9,231,114
 * trainable parameters, depth 16 has 14,728,266, depth 19 has 20,040,522.
 *
 * Layers are named `conv1_1`, `bn1_1`, `relu1_1`, `pool1`, …, `output`.
 *
 * @throws ArgumentError for an option out of range.
 */
export function vgg(options: VggOptions = {}): LayersModel {
  const { inputShape = [32, 32, 3], classes = 10, seed = 0, output = 'softmax' } = options;
  const { depth = 16, width = 1, batchNorm = true, dropout = 0 } = options;
  const stages = STAGES[depth];
  if (!stages) throw new ArgumentError(`vgg: depth must be 11, 16 or 19, got ${depth}.`);
  if (!(width > 0 && Number.isFinite(width)))
    throw new ArgumentError(`vgg: width must be a fraction > 0, got ${width}.`);
  checkInputShape('vgg', inputShape, 3);
  checkImageSize('vgg', inputShape, stages.map(() => [2, 2] as const)); // prettier-ignore
  checkInteger('vgg', 'classes', classes, 2);
  checkDropout('vgg', dropout);
  const activation = outputActivation('vgg', output);
  const seeds = layerSeeds(seed);

  const model = sequential({ name: `vgg${depth}` });
  for (const [s, widths] of stages.entries()) {
    for (const [i, filters] of widths.entries()) {
      const place = `${s + 1}_${i + 1}`;
      model.add(
        layers.conv2d({
          name: `conv${place}`,
          filters: Math.max(1, Math.round(filters * width)),
          kernelSize: 3,
          padding: 'same',
          kernelInitializer: initializers.heNormal({ seed: seeds(`conv${place}`) }),
          ...(model.layers.length === 0 ? { inputShape: [...inputShape] } : {}),
        }),
      );
      if (batchNorm)
        model.add(layers.batchNormalization({ name: `bn${place}`, momentum: 0.9, epsilon: 1e-5 }));
      model.add(layers.activation({ name: `relu${place}`, activation: 'relu' }));
    }
    model.add(layers.maxPooling2d({ name: `pool${s + 1}`, poolSize: 2 }));
  }
  model.add(layers.flatten({ name: 'flatten' }));
  if (dropout > 0) model.add(layers.dropout({ name: 'dropout', rate: dropout }));
  model.add(
    layers.dense({
      name: 'output',
      units: classes,
      activation,
      kernelInitializer: initializers.glorotUniform({ seed: seeds('output') }),
    }),
  );
  return model;
}
