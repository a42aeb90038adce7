import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { ArgumentError, NonFiniteError, NothingChangedError, UnsupportedModelError } from '@ockham/core';
import { matrix, multiply, type Matrix } from '@ockham/core/linalg';
import { Random } from '@ockham/core/random';
import { replaceByFactors, type Factors } from '@ockham/lowrank';

const { layers } = tf;

function random(rows: number, columns: number, seed: number): Matrix {
  const source = new Random(seed);
  return matrix(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, () => source.normal()),
  );
}

/** Factors of the layer's size, and the layer's kernel set to their product. */
function setToProduct(layer: tf.layers.Layer, rank: number, seed = 1): Factors {
  const [kernel, ...rest] = layer.getWeights();
  const n = kernel!.shape.at(-1)!;
  const u = random(kernel!.size / n, rank, seed);
  const v = random(n, rank, seed + 1);
  const product = multiply(u, v, { transposeB: true });
  tf.tidy(() => layer.setWeights([tf.tensor(Float32Array.from(product.values), kernel!.shape), ...rest]));
  return { u, v };
}

async function outputs(model: tf.LayersModel, batch = 2): Promise<Float32Array> {
  const shape = model.inputs[0]!.shape.slice(1) as number[];
  const output = tf.tidy(
    () => model.predict(tf.randomNormal([batch, ...shape], 0, 1, 'float32', 3)) as tf.Tensor,
  );
  const values = await output.data<'float32'>();
  output.dispose();
  return values;
}

async function expectSameOutputs(before: tf.LayersModel, after: tf.LayersModel): Promise<void> {
  const [a, b] = [await outputs(before), await outputs(after)];
  const scale = Math.max(...a.map(Math.abs));
  expect(scale).toBeGreaterThan(0);
  expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!))) / scale).toBeLessThan(2e-5);
}

const biases = { useBias: true, biasInitializer: 'randomNormal' } as const;

describe('replaceByFactors', () => {
  it('writes dense layers of a sequence as two, the first one included, and leaves the others as they are', async () => {
    const model = tf.sequential({
      layers: [
        layers.dense({ name: 'fc1', inputShape: [7], units: 9, activation: 'relu', ...biases }),
        layers.batchNormalization({ name: 'bn' }),
        layers.dropout({ name: 'drop', rate: 0.5 }),
        layers.dense({ name: 'fc2', units: 5, activation: 'softmax', ...biases }),
      ],
    });
    const factors = new Map([
      ['fc1', setToProduct(model.layers[0]!, 2)],
      ['fc2', setToProduct(model.layers[3]!, 3)],
    ]);
    const thin = await replaceByFactors(model, factors);
    expect(thin.layers.map(({ name }) => name)).toEqual(['fc1/u', 'fc1/v', 'bn', 'drop', 'fc2/u', 'fc2/v']);
    expect(thin.layers.map((layer) => layer.weights.map(({ shape }) => shape))).toEqual([
      [[7, 2]],
      [[2, 9], [9]],
      [[9], [9], [9], [9]],
      [],
      [[9, 3]],
      [[3, 5], [5]],
    ]);
    await expectSameOutputs(model, thin);
  });

  it.each([
    { strides: 2, padding: 'same' },
    { dilationRate: 2, padding: 'valid' },
    { strides: [2, 1] as [number, number], padding: 'same', useBias: false },
  ] as const)('keeps strides, dilation and padding of a convolution: %o', async (settings) => {
    const input = tf.input({ shape: [9, 8, 3] });
    const conv = layers.conv2d({
      name: 'conv',
      filters: 6,
      kernelSize: 3,
      activation: 'relu',
      ...biases,
      ...settings,
    });
    const output = layers.flatten().apply(conv.apply(input)) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: output });
    const thin = await replaceByFactors(model, new Map([['conv', setToProduct(conv, 2)]]));
    expect(thin.getLayer('conv/v').getConfig()['kernelSize']).toEqual([1, 1]);
    expect(thin.getLayer('conv/u').weights.length).toBe(1);
    await expectSameOutputs(model, thin);
  });

  it('writes a convolution in one dimension, and a dense layer on sequences', async () => {
    const model = tf.sequential({
      layers: [
        layers.conv1d({ name: 'conv', inputShape: [10, 4], filters: 6, kernelSize: 3, padding: 'same' }),
        layers.dense({ name: 'fc', units: 5, activation: 'tanh', ...biases }),
      ],
    });
    const factors = new Map(model.layers.map((layer) => [layer.name, setToProduct(layer, 2)]));
    await expectSameOutputs(model, await replaceByFactors(model, factors));
  });

  it('follows a layer that is called twice, residual connections, nested models and outputs', async () => {
    const inner = tf.sequential({
      name: 'inner',
      layers: [layers.dense({ name: 'fc', inputShape: [6], units: 6, activation: 'tanh' })],
    });
    const shared = layers.dense({ name: 'shared', units: 6, activation: 'tanh', ...biases });
    const last = layers.dense({ name: 'last', units: 4 });
    const input = tf.input({ shape: [6] });
    const once = shared.apply(input) as tf.SymbolicTensor;
    const nested = inner.apply(once) as tf.SymbolicTensor;
    const sum = layers.add().apply([shared.apply(nested) as tf.SymbolicTensor, input]) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: last.apply(sum) as tf.SymbolicTensor });
    const factors = new Map([
      ['inner/fc', setToProduct(inner.layers[0]!, 2, 1)],
      ['shared', setToProduct(shared, 3, 5)],
      ['last', setToProduct(last, 2, 9)],
    ]);
    const thin = await replaceByFactors(model, factors);
    expect(thin.countParams()).toBe(6 * 2 * 2 + 6 + 6 * 3 * 2 + 6 + 10 * 2 + 4);
    await expectSameOutputs(model, thin);
  });

  it('keeps frozen layers frozen and the regulariser on both kernels', async () => {
    const model = tf.sequential({
      layers: [
        layers.dense({ name: 'frozen', inputShape: [4], units: 4, trainable: false }),
        layers.dense({ name: 'decayed', units: 4, kernelRegularizer: 'l1l2' }),
      ],
    });
    const factors = new Map(model.layers.map((layer) => [layer.name, setToProduct(layer, 1)]));
    const thin = await replaceByFactors(model, factors);
    expect(thin.trainableWeights.map(({ originalName }) => originalName)).toEqual([
      'decayed/u/kernel',
      'decayed/v/kernel',
      'decayed/v/bias',
    ]);
    for (const name of ['decayed/u', 'decayed/v'])
      expect(thin.getLayer(name).getConfig()['kernelRegularizer']).toMatchObject({ className: 'L1L2' });
  });

  it('can be saved and loaded, and written as two again', async () => {
    const model = tf.sequential({ layers: [layers.dense({ name: 'fc', inputShape: [6], units: 6 })] });
    const thin = await replaceByFactors(model, new Map([['fc', setToProduct(model.layers[0]!, 3)]]));
    let saved: tf.io.ModelArtifacts | undefined;
    const keep = tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    });
    await thin.save(keep);
    await expectSameOutputs(thin, await tf.loadLayersModel(tf.io.fromMemory(saved!)));
    const again = await replaceByFactors(thin, new Map([['fc/v', setToProduct(thin.getLayer('fc/v'), 2)]]));
    expect(again.layers.map(({ name }) => name)).toEqual(['fc/u', 'fc/v/u', 'fc/v/v']);
    await expectSameOutputs(thin, again);
  });

  it('avoids names that are taken', async () => {
    const model = tf.sequential({
      layers: [
        layers.dense({ name: 'fc', inputShape: [4], units: 4 }),
        layers.dense({ name: 'fc/u', units: 4 }),
      ],
    });
    const thin = await replaceByFactors(model, new Map([['fc', setToProduct(model.layers[0]!, 1)]]));
    expect(thin.layers.map(({ name }) => name)).toEqual(['fc/u2', 'fc/v', 'fc/u']);
  });

  it('leaves no tensor behind but the new weights', async () => {
    const model = tf.sequential({ layers: [layers.dense({ name: 'fc', inputShape: [6], units: 6 })] });
    const factors = new Map([['fc', setToProduct(model.layers[0]!, 2)]]);
    const before = tf.memory().numTensors;
    const thin = await replaceByFactors(model, factors);
    expect(tf.memory().numTensors).toBe(before + 3);
    thin.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses what does not fit, by name', async () => {
    const model = tf.sequential({
      layers: [
        layers.dense({ name: 'fc', inputShape: [4], units: 5 }),
        layers.dense({ name: 'bound', units: 4, kernelConstraint: 'unitNorm' }),
        layers.layerNormalization({ name: 'norm' }),
      ],
    });
    const pair = (m: number, n: number, r: number) => ({ u: random(m, r, 1), v: random(n, r, 2) });
    const attempt = (name: string, factors: Factors) => replaceByFactors(model, new Map([[name, factors]]));
    await expect(attempt('fc9', pair(4, 5, 2))).rejects.toThrow(/no layer "fc9".*fc, bound, norm/);
    await expect(attempt('fc', pair(5, 4, 2))).rejects.toThrow(ArgumentError);
    await expect(attempt('fc', { u: random(4, 5, 1), v: random(5, 5, 1) })).rejects.toThrow(/\[1, 4\]/);
    await expect(attempt('bound', pair(5, 4, 2))).rejects.toThrow(/"bound".*constraint/);
    await expect(attempt('norm', pair(5, 4, 2))).rejects.toThrow(UnsupportedModelError);
    const spoilt = pair(4, 5, 2);
    spoilt.v.values[3] = NaN;
    await expect(attempt('fc', spoilt)).rejects.toThrow(NonFiniteError);
    await expect(replaceByFactors(model, new Map())).rejects.toThrow(NothingChangedError);
  });
});
