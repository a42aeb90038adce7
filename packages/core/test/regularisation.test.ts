import { input, layers, memory, model, regularizers, sequential, type LayersModel } from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import type { Split } from '@ockham/core';
import { train } from '@ockham/core/training';

const data: Split = {
  size: 4,
  x: { values: new Float32Array(12), shape: [3] },
  y: { values: new Float32Array(8), shape: [2] },
};
const dense = (options: object = {}) =>
  layers.dense({
    units: 2,
    useBias: false,
    kernelInitializer: 'ones',
    kernelRegularizer: regularizers.l2({ l2: 0.5 }),
    ...options,
  });

const flat = () => sequential({ layers: [dense({ inputShape: [3] })] });
const models: Record<string, () => LayersModel> = {
  'a sequential model': flat,
  'a sequential model in a sequential one': () => sequential({ layers: [flat()] }),
  'a functional model': () => {
    const x = input({ shape: [3] });
    return model({ inputs: x, outputs: dense().apply(x) as never });
  },
  'a sequential model in a functional one': () => {
    const x = input({ shape: [3] });
    return model({ inputs: x, outputs: flat().apply(x) as never });
  },
};

it.each(Object.keys(models))('weights of %s fall by their regulariser', async (name) => {
  const net = models[name]!();
  const tensors = memory().numTensors;
  const options = { epochs: 1, batchSize: 4, loss: 'meanSquaredError', optimizer: { name: 'sgd', learningRate: 0.1 }, seed: 1 } as const; // prettier-ignore
  const { epochs } = await train(net, data, options);
  // x = 0, so that the loss is ½ Σ w² alone, and a step multiplies each weight by 1 − 0.1
  expect(epochs[0]!.loss).toBeCloseTo(3, 5);
  for (const weight of net.getWeights()[0]!.dataSync()) expect(weight).toBeCloseTo(0.9, 5);
  expect(memory().numTensors).toBe(tensors);
  net.dispose();
});
