import { initializers, input, layers, model, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs';
import type { Split } from '@ockham/core';
import { bert } from '@ockham/core/models';
import { Random } from '@ockham/core/random';

/** A classifier of two clouds that a model of random weights separates a little. */
export function clouds(size: number, width: number, seed = 1): Split {
  const random = new Random(seed);
  const labels = Int32Array.from({ length: size }, (_, i) => i % 2);
  const x = new Float32Array(size * width);
  for (const i of x.keys()) x[i] = random.normal() + (labels[Math.floor(i / width)]! ? 0.5 : -0.5);
  return { size, x: { values: x, shape: [width] }, y: { values: labels, shape: [] } };
}

/** Images of noise. */
export function images(size: number, seed = 2): Split {
  const random = new Random(seed);
  return {
    size,
    x: { values: Float32Array.from({ length: size * 8 * 8 * 3 }, () => random.normal()), shape: [8, 8, 3] },
    y: { values: Int32Array.from({ length: size }, (_, i) => i % 4), shape: [] },
  };
}

/** Texts of random tokens. */
export function texts(size: number, length: number, vocabulary: number, seed = 3): Split {
  const random = new Random(seed);
  return {
    size,
    x: {
      values: Int32Array.from({ length: size * length }, () => 1 + random.integer(vocabulary - 1)),
      shape: [length],
    },
    y: { values: Int32Array.from({ length: size }, (_, i) => i % 2), shape: [] },
  };
}

/** Dense layers of several activations. */
export function denseNetwork(width = 64): LayersModel {
  const x = input({ shape: [width] });
  let y: SymbolicTensor = x;
  for (const [i, activation] of (['relu', 'gelu', 'tanh', 'linear'] as const).entries()) {
    y = layers
      .dense({ name: `fc${i}`, units: 48, activation: activation, useBias: i !== 2, ...seeds(i) })
      .apply(y) as SymbolicTensor;
  }
  const head = layers.dense({ name: 'head', units: 2, activation: 'softmax', ...seeds(9) });
  return model({ inputs: x, outputs: head.apply(y) as SymbolicTensor });
}

/** Convolutions with and without a stride, normalised, on 8 × 8 images. */
export function convolutionNetwork(): LayersModel {
  const x = input({ shape: [8, 8, 3] });
  let y = layers
    .conv2d({ name: 'conv1', filters: 16, kernelSize: 3, padding: 'same', activation: 'relu', ...seeds(1) })
    .apply(x) as SymbolicTensor;
  y = layers.batchNormalization({ name: 'bn' }).apply(y) as SymbolicTensor;
  y = layers
    .conv2d({
      name: 'conv2',
      filters: 24,
      kernelSize: [3, 2],
      strides: 2,
      padding: 'valid',
      useBias: false,
      ...seeds(2),
    })
    .apply(y) as SymbolicTensor;
  y = layers
    .conv2d({ name: 'conv3', filters: 12, kernelSize: 3, padding: 'same', dilationRate: 2, ...seeds(3) })
    .apply(y) as SymbolicTensor;
  y = layers.globalAveragePooling2d({ dataFormat: 'channelsLast' }).apply(y) as SymbolicTensor;
  const head = layers.dense({ name: 'head', units: 4, activation: 'softmax', ...seeds(4) });
  return model({ inputs: x, outputs: head.apply(y) as SymbolicTensor });
}

/** A small encoder. */
export function encoder(): LayersModel {
  return bert({
    layers: 1,
    hidden: 32,
    heads: 2,
    vocabulary: 200,
    positions: 32,
    length: 8,
    classes: 2,
    seed: 5,
  });
}

function seeds(seed: number) {
  return {
    kernelInitializer: initializers.glorotNormal({ seed: seed + 1 }),
    biasInitializer: initializers.randomNormal({ stddev: 0.1, seed: seed + 50 }),
  };
}
