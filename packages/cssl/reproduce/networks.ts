import { mlp, resnet, resnet18 } from '@ockham/core/models';
import { initializers, layers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';

/** Networks of the experiments, by name. */
export type NetworkName = 'mlp-400' | 'small-cnn' | 'resnet-8' | 'resnet-20' | 'resnet-18';

/** What a network is built for. */
export interface NetworkOptions {
  readonly inputShape: readonly number[];
  readonly classes: number;
  readonly seed: number;
}

/** A network with random weights and softmax outputs. */
export function networkOf(name: NetworkName, options: NetworkOptions): LayersModel {
  switch (name) {
    case 'mlp-400':
      return mlp({ ...options, units: [400] });
    case 'small-cnn':
      return smallCnn(options);
    case 'resnet-8':
      return resnet({ ...options, depth: 8 });
    case 'resnet-20':
      return resnet({ ...options, depth: 20 });
    case 'resnet-18':
      return resnet18(options);
  }
}

/**
 * Three convolutions of 16, 32 and 48 channels, 3×3, each followed by a pool: 23,002 parameters on `[28, 28, 1]` with ten
 * classes.
 */
function smallCnn({ inputShape, classes, seed }: NetworkOptions): LayersModel {
  const model = sequential({ name: 'small_cnn' });
  for (const [i, filters] of [16, 32, 48].entries()) {
    model.add(
      layers.conv2d({
        name: `conv${i + 1}`,
        ...(i === 0 && { inputShape: [...inputShape] }),
        filters,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        kernelInitializer: initializers.heNormal({ seed: seed * 10 + i + 1 }),
      }),
    );
    model.add(layers.maxPooling2d({ name: `pool${i + 1}`, poolSize: 2 }));
  }
  model.add(layers.flatten({ name: 'flatten' }));
  model.add(
    layers.dense({
      name: 'output',
      units: classes,
      activation: 'softmax',
      kernelInitializer: initializers.glorotUniform({ seed: seed * 10 + 9 }),
    }),
  );
  return model;
}
