import { input, layers, model as makeModel, scalar, test_util, tidy, variableGrads } from '@tensorflow/tfjs';
import type { Scalar, SymbolicTensor, Tensor } from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { wholeNumbers } from './numeric-gradient.ts';

interface Case {
  readonly name: string;
  readonly shape: number[];
  readonly layer: () => { apply(inputs: SymbolicTensor): unknown };
}

// Smooth activations, so that a difference of the loss tells its slope.
const cases: Case[] = [
  { name: 'dense', shape: [5], layer: () => layers.dense({ units: 3, activation: 'tanh' }) },
  { name: 'conv1d', shape: [9, 3], layer: () => layers.conv1d({ filters: 4, kernelSize: 3, strides: 2 }) },
  {
    name: 'conv2d',
    shape: [7, 8, 3],
    layer: () => layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' }),
  },
  {
    name: 'a 1×1 conv2d of stride 2',
    shape: [6, 5, 3],
    layer: () => layers.conv2d({ filters: 4, kernelSize: 1, strides: 2 }),
  },
  {
    name: 'a dilated conv2d',
    shape: [7, 8, 3],
    layer: () => layers.conv2d({ filters: 4, kernelSize: 3, dilationRate: 2, activation: 'elu' }),
  },
  {
    name: 'conv2dTranspose',
    shape: [4, 5, 3],
    layer: () => layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2 }),
  },
  {
    name: 'depthwiseConv2d',
    shape: [7, 8, 3],
    layer: () => layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2 }),
  },
  {
    name: 'separableConv2d',
    shape: [7, 8, 3],
    layer: () => layers.separableConv2d({ filters: 4, kernelSize: 3 }),
  },
  { name: 'batchNormalization', shape: [4, 5, 3], layer: () => layers.batchNormalization() },
  { name: 'layerNormalization', shape: [6], layer: () => layers.layerNormalization() },
  { name: 'simpleRNN', shape: [5, 3], layer: () => layers.simpleRNN({ units: 4 }) },
  { name: 'lstm', shape: [5, 3], layer: () => layers.lstm({ units: 4, recurrentActivation: 'sigmoid' }) },
  { name: 'gru', shape: [5, 3], layer: () => layers.gru({ units: 4, recurrentActivation: 'sigmoid' }) },
  { name: 'embedding', shape: [6], layer: () => layers.embedding({ inputDim: 9, outputDim: 4 }) },
];

/** Layers read their variables as tensors; the gradients go by the variable's name. */
const variableName = (variable: unknown): string => (variable as { name: string }).name;

it.each(cases)(
  'the weight gradients of $name point along the slope of the loss',
  ({ name, shape, layer }) => {
    const x =
      name === 'embedding'
        ? wholeNumbers([2, ...shape], 1).add(scalar(4))
        : wholeNumbers([2, ...shape], 1).div(scalar(4));
    const inputs = input({ shape });
    const model = makeModel({ inputs, outputs: layer().apply(inputs) as SymbolicTensor });
    const weights = model.trainableWeights;
    const start = weights.map(({ shape: s }, i) => wholeNumbers(s as number[], i + 2).div(scalar(8)));
    const direction = weights.map(({ shape: s }, i) => wholeNumbers(s as number[], i + 20).div(scalar(8)));
    const moveTo = (distance: number): void =>
      weights.forEach((weight, i) => weight.write(start[i]!.add(direction[i]!.mul(scalar(distance)))));
    const loss = (): Scalar =>
      tidy(() => {
        const y = model.apply(x, { training: true }) as Tensor;
        return y.mul(y.add(wholeNumbers(y.shape, 7))).mean();
      });
    const at = (distance: number): number => {
      moveTo(distance);
      return loss().dataSync()[0]!;
    };

    moveTo(0);
    const { grads } = variableGrads(loss);
    const slope = weights.reduce(
      (sum, weight, i) => sum + grads[variableName(weight.read())]!.mul(direction[i]!).sum().dataSync()[0]!,
      0,
    );
    const step = 1 / 128;
    const expected = (at(step) - at(-step)) / (2 * step);
    expect(Math.abs(expected)).toBeGreaterThan(0);
    test_util.expectNumbersClose(slope / expected, 1);
  },
);
