import { memory, tensor, tidy } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';
import { countParameters } from '@ockham/core/metrics';
import { lenet5, tableOneCnn } from '@ockham/core/models';
import { variableOf } from '@ockham/core/training';

const made: tf.LayersModel[] = [];
const keep = <M extends tf.LayersModel>(model: M): M => (made.push(model), model);
afterEach(() => {
  for (const model of made.splice(0)) model.dispose();
});

describe('countParameters', () => {
  it('counts the Table-1 CNN by layer, biases apart', async () => {
    const counts = await countParameters(keep(tableOneCnn({ seed: 1 })));
    expect(counts).toMatchObject({
      parameters: 34_826,
      kernels: 34_720,
      biases: 106,
      others: 0,
      trainable: 34_826,
    });
    expect(counts.layers.map((row) => [row.name, row.className, row.parameters, row.nonZeroBiases])).toEqual([
      ['conv1', 'Conv2D', 320, 0],
      ['conv2', 'Conv2D', 18_496, 0],
      ['output', 'Dense', 16_010, 0],
    ]);
    expect(counts.sparsity).toBe(1 - counts.nonZeroKernels / 34_720);
  });

  it('has the 430,500 weights of LeNet-5', async () => {
    expect(await countParameters(keep(lenet5()))).toMatchObject({ kernels: 430_500, biases: 580 });
  });

  it('counts non-zeros: −0 is zero, NaN is not', async () => {
    const model = keep(tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [2] })] }));
    tidy(() => variableOf(model.weights[0]!).assign(tensor([[0, -0, 1], [Number.NaN, 0, -2]]))); // prettier-ignore
    tidy(() => variableOf(model.weights[1]!).assign(tensor([0, 5, 0])));
    const counts = await countParameters(model);
    expect(counts).toMatchObject({ nonZeroKernels: 3, nonZeroBiases: 1, nonZeros: 4, sparsity: 0.5 });
  });

  it('tells kernels from normalisation, recurrent and embedding weights', async () => {
    const model = keep(
      tf.sequential({
        layers: [
          tf.layers.embedding({ inputDim: 7, outputDim: 4, inputLength: 5 }),
          tf.layers.lstm({ units: 3 }),
          tf.layers.batchNormalization(),
          tf.layers.dense({ units: 2, useBias: false }),
        ],
      }),
    );
    const counts = await countParameters(model);
    expect(counts).toMatchObject({ kernels: 28 + 4 * 12 + 3 * 12 + 6, biases: 12, others: 12 });
    expect(counts.trainable).toBe(counts.parameters - 6); // the running mean and variance
  });

  it('counts a shared layer and a nested model once, and frozen weights as not trainable', async () => {
    const input = tf.input({ shape: [4] });
    const shared = tf.layers.dense({ units: 4, name: 'shared' });
    const inner = tf.sequential({ layers: [tf.layers.dense({ units: 4, inputShape: [4], name: 'inner' })] });
    const once = inner.apply(shared.apply(input)) as tf.SymbolicTensor;
    const twice = inner.apply(shared.apply(once)) as tf.SymbolicTensor;
    const model = keep(tf.model({ inputs: input, outputs: twice }));
    shared.trainable = false;
    const counts = await countParameters(model);
    expect(counts.layers.map((row) => [row.name, row.parameters, row.trainable])).toEqual([
      ['shared', 20, 0],
      ['inner', 20, 20],
    ]);
  });

  it('is 0 everywhere for a model without weights, and leaks nothing', async () => {
    const model = keep(tf.sequential({ layers: [tf.layers.flatten({ inputShape: [2, 2] })] }));
    const before = memory().numTensors;
    expect(await countParameters(model)).toMatchObject({ parameters: 0, sparsity: 0, layers: [] });
    expect(memory().numTensors).toBe(before);
  });

  it('refuses a disposed model', async () => {
    const model = tableOneCnn();
    model.dispose();
    await expect(countParameters(model)).rejects.toThrow(/countParameters: the model must be alive/);
  });
});
