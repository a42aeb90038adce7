import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { maskChannels, removeChannels, traceChannels } from '@ockham/core/graph';
import {
  chain,
  difference,
  flatLayers,
  inputsOf,
  outputsOf,
  randomise,
  residualNet,
  zeroChannels,
} from './graph-models.ts';

type Removals = ReadonlyMap<string, readonly number[]>;

/** Largest difference between the outputs of the smaller model and of `maskChannels`. */
async function errorOf(model: tf.LayersModel, removals: Removals, vocabulary = 0): Promise<number> {
  const inputs = inputsOf(model, 5, vocabulary);
  const { model: smaller } = await removeChannels(model, removals);
  const masked = await maskChannels(model, removals);
  const before = outputsOf(model, inputs);
  const expected = outputsOf(masked, inputs);
  expect(difference(before, expected)).toBeGreaterThan(1e-4); // the mask is felt at all
  const error = difference(expected, outputsOf(smaller, inputs));
  tf.dispose(inputs);
  smaller.dispose();
  masked.dispose();
  return error;
}

const symbolic = (value: unknown) => value as tf.SymbolicTensor;
const weightShapes = (model: tf.LayersModel) =>
  Object.fromEntries(flatLayers(model).map((layer) => [layer.name, layer.weights.map(({ shape }) => shape)]));

describe('removeChannels', () => {
  let tensors = 0;
  beforeEach(() => {
    tf.engine().startScope();
    tensors = tf.memory().numTensors;
  });
  afterEach(() => tf.engine().endScope());

  it('equals the classical filter mask on conv, batch norm, relu, pool, flatten, dense', async () => {
    const model = chain();
    const inputs = inputsOf(model);
    const { model: smaller } = await removeChannels(model, new Map([['conv', [0, 3]], ['hidden', [6]]])); // prettier-ignore
    zeroChannels(model, 'conv', [0, 3]);
    zeroChannels(model, 'bn', [0, 3]);
    zeroChannels(model, 'hidden', [6]);
    expect(difference(outputsOf(model, inputs), outputsOf(smaller, inputs))).toBeLessThan(1e-5);
    expect(weightShapes(smaller)).toMatchObject({
      conv: [[3, 3, 2, 3], [3]],
      hidden: [[12, 6], [6]],
      out: [[6, 3], [3]],
    });
  });

  it('reports every layer that changed, before and after', async () => {
    const { removed } = await removeChannels(chain(), new Map([['conv', [1, 2, 4]]]));
    expect(removed).toEqual([
      {
        layer: 'conv',
        className: 'Conv2D',
        kind: 'resized',
        inputChannels: { before: 2, after: 2 },
        outputChannels: { before: 5, after: 2 },
        parameters: { before: 95, after: 38 },
      },
      expect.objectContaining({ layer: 'bn', parameters: { before: 20, after: 8 } }),
      expect.objectContaining({
        layer: 'hidden',
        inputChannels: { before: 20, after: 8 },
        parameters: { before: 147, after: 63 },
      }),
    ]);
  });

  it('leaves the model as it was, and no tensor behind', async () => {
    const model = chain();
    const inputs = inputsOf(model);
    const before = outputsOf(model, inputs);
    const start = tf.memory().numTensors;
    const { model: smaller } = await removeChannels(model, new Map([['conv', [1]]]));
    expect(tf.memory().numTensors).toBe(start + smaller.weights.length);
    smaller.dispose();
    expect(tf.memory().numTensors).toBe(start);
    expect(outputsOf(model, inputs)).toEqual(before);
    expect(tensors).toBeLessThan(start);
  });

  it('keeps names, trainable flags, regularisers, initialisers and class', async () => {
    const model = tf.sequential({
      name: 'keeper',
      layers: [
        tf.layers.dense({
          ...{ name: 'a', inputShape: [3], units: 4, trainable: false, biasInitializer: 'ones' },
          kernelRegularizer: tf.regularizers.l2({ l2: 0.25 }),
        }),
        tf.layers.dense({ name: 'b', units: 2 }),
      ],
    });
    const { model: smaller } = await removeChannels(model, new Map([['a', [2]]]));
    expect(smaller).toBeInstanceOf(tf.Sequential);
    expect(smaller.name).toBe('keeper');
    const { units, ...rest } = model.layers[0]!.getConfig();
    expect(units).toBe(4);
    expect(smaller.layers[0]!.getConfig()).toEqual({ ...rest, units: 3 });
    expect(smaller.trainableWeights).toHaveLength(2);
  });

  it('follows a residual stream through an option-A shortcut', async () => {
    const model = residualNet();
    const removals = new Map([['stem', [0, 2]], ['threeb', [1, 3]], ['twoa', [0]], ['foura', [1, 5, 7]]]); // prettier-ignore
    expect(await errorOf(model, removals)).toBeLessThan(1e-5);
    const { model: smaller } = await removeChannels(model, removals);
    expect(smaller.getLayer('pad').getConfig()).toMatchObject({ before: 1, after: 1 });
    expect(weightShapes(smaller)).toMatchObject({
      stem: [[3, 3, 3, 2]],
      fourb: [[3, 3, 5, 4]],
      out: [[4, 3], [3]],
    });
  });

  it('keeps offsets across a concatenation', async () => {
    const input = tf.input({ shape: [5, 5, 2] });
    const left = symbolic(
      tf.layers.conv2d({ name: 'left', filters: 3, kernelSize: 1, activation: 'sigmoid' }).apply(input),
    );
    const right = symbolic(tf.layers.conv2d({ name: 'right', filters: 4, kernelSize: 1 }).apply(input));
    const joined = tf.layers.concatenate({ name: 'cat' }).apply([left, right]);
    const normal = tf.layers.batchNormalization({ name: 'bn' }).apply(joined);
    const output = symbolic(tf.layers.conv2d({ name: 'out', filters: 2, kernelSize: 3 }).apply(normal));
    const model = randomise(tf.model({ inputs: input, outputs: output }));
    const slice = traceChannels(model).groups[1]!.slices.find(({ layer }) => layer === 'out')!;
    expect(slice.positions).toEqual([[3], [4], [5], [6]]);
    expect(await errorOf(model, new Map([['left', [0]], ['right', [1, 3]]]))).toBeLessThan(1e-5); // prettier-ignore
  });

  it.each<[string, tf.layers.Layer]>([
    [
      'a depthwise convolution, each channel twice',
      tf.layers.depthwiseConv2d({ name: 'mid', kernelSize: 3, depthMultiplier: 2 }),
    ],
    [
      'a separable convolution',
      tf.layers.separableConv2d({ name: 'mid', kernelSize: 2, filters: 4, depthMultiplier: 3 }),
    ],
    [
      'a transposed convolution',
      tf.layers.conv2dTranspose({ name: 'mid', kernelSize: 2, filters: 4, strides: 2 }),
    ],
    ['a PReLU', tf.layers.prelu({ name: 'mid' })],
    ['a PReLU that shares its slopes over space', tf.layers.prelu({ name: 'mid', sharedAxes: [1, 2] })],
    ['upsampling', tf.layers.upSampling2d({ name: 'mid', size: [2, 2] })],
    ['padding', tf.layers.zeroPadding2d({ name: 'mid', padding: 1 })],
    ['cropping', tf.layers.cropping2D({ name: 'mid', cropping: 1 })],
    ['a reshape to rows of pixels', tf.layers.reshape({ name: 'mid', targetShape: [9, 2, 4] })],
  ])('follows %s', async (_, layer) => {
    const model = tf.sequential();
    model.add(
      tf.layers.conv2d({ name: 'first', inputShape: [6, 6, 2], filters: 4, kernelSize: 3, padding: 'same' }),
    );
    if (layer.getClassName() === 'Reshape') model.add(tf.layers.maxPooling2d({ poolSize: [2, 1] }));
    model.add(layer);
    model.add(tf.layers.elu());
    model.add(tf.layers.flatten());
    model.add(tf.layers.dense({ name: 'out', units: 3 }));
    randomise(model);
    expect(await errorOf(model, new Map([['first', [1, 2]]]))).toBeLessThan(1e-5);
  });

  it('follows rows of vectors: embedding, convolution over time, pooling', async () => {
    const model = tf.sequential();
    model.add(tf.layers.embedding({ name: 'words', inputDim: 11, outputDim: 6, inputLength: 8 }));
    model.add(tf.layers.conv1d({ name: 'time', filters: 5, kernelSize: 3 }));
    model.add(tf.layers.averagePooling1d({ poolSize: 2, strides: 2 }));
    model.add(tf.layers.globalMaxPooling1d({}));
    model.add(tf.layers.dense({ name: 'out', units: 2 }));
    randomise(model);
    expect(await errorOf(model, new Map([['words', [5, 0]], ['time', [2]]]), 11)).toBeLessThan(1e-5); // prettier-ignore
  });

  it('couples dense units that a reshape turns into channels', async () => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ name: 'code', inputShape: [4], units: 2 * 2 * 3, activation: 'relu' }));
    model.add(tf.layers.reshape({ targetShape: [2, 2, 3] }));
    model.add(tf.layers.conv2dTranspose({ name: 'out', filters: 1, kernelSize: 2, strides: 2 }));
    randomise(model);
    const [code] = traceChannels(model).groups;
    expect(code).toMatchObject({ size: 3 });
    expect(code!.slices[0]!.positions[1]).toEqual([1, 4, 7, 10]);
    expect(await errorOf(model, new Map([['code', [1]]]))).toBeLessThan(1e-5);
  });

  it('couples the two sides of a layer that is called twice', async () => {
    const input = tf.input({ shape: [6] });
    const first = symbolic(tf.layers.dense({ name: 'first', units: 5 }).apply(input));
    const shared = tf.layers.dense({ name: 'shared', units: 5, activation: 'tanh' });
    const twice = symbolic(shared.apply(shared.apply(first)));
    const output = symbolic(tf.layers.dense({ name: 'out', units: 2 }).apply(twice));
    const model = randomise(tf.model({ inputs: input, outputs: output }));
    expect(traceChannels(model).groups.map(({ id, size }) => [id, size])).toEqual([['first', 5], ['out', 2]]); // prettier-ignore
    expect(await errorOf(model, new Map([['first', [0, 4]]]))).toBeLessThan(1e-5);
  });

  it('enters nested models, shared ones included', async () => {
    const encoder = tf.sequential({ name: 'encoder' });
    encoder.add(tf.layers.dense({ name: 'inner', inputShape: [5], units: 6, activation: 'sigmoid' }));
    encoder.add(tf.layers.dense({ name: 'code', units: 4 }));
    const inner = tf.input({ shape: [4], name: 'latent' });
    const decoder = tf.model({
      inputs: inner,
      outputs: symbolic(tf.layers.dense({ name: 'inner', units: 5 }).apply(inner)),
      name: 'decoder',
    });
    const [a, b] = [tf.input({ shape: [3], name: 'a' }), tf.input({ shape: [3], name: 'b' })];
    const stem = tf.layers.dense({ name: 'stem', units: 5 });
    const codes = [a, b].map((x) => symbolic(encoder.apply(stem.apply(x))));
    const sum = symbolic(tf.layers.average({ name: 'mean' }).apply(codes));
    const output = symbolic(tf.layers.dense({ name: 'out', units: 2 }).apply(decoder.apply(sum)));
    const model = randomise(tf.model({ inputs: [a, b], outputs: output }));
    expect(traceChannels(model).groups.map(({ id }) => id)).toEqual([
      'stem',
      'encoder/inner',
      'encoder/code',
      'decoder/inner',
      'out',
    ]);
    const removals = new Map([['stem', [0]], ['encoder/inner', [1, 2]], ['encoder/code', [3]], ['decoder/inner', [0, 4]]]); // prettier-ignore
    expect(await errorOf(model, removals)).toBeLessThan(1e-5);
  });

  it('serves several outputs', async () => {
    const input = tf.input({ shape: [4] });
    const trunk = symbolic(tf.layers.dense({ name: 'trunk', units: 6, activation: 'sigmoid' }).apply(input));
    const heads = ['one', 'two'].map((name, i) =>
      symbolic(tf.layers.dense({ name, units: 2 + i }).apply(trunk)),
    );
    const model = randomise(tf.model({ inputs: input, outputs: heads }));
    expect(traceChannels(model).groups.map(({ frozen }) => frozen === undefined)).toEqual([
      true,
      false,
      false,
    ]);
    expect(await errorOf(model, new Map([['trunk', [0, 5, 2]]]))).toBeLessThan(1e-5);
  });

  it('lets layer normalisation follow, over the channels that remain', async () => {
    const model = randomise(
      tf.sequential({
        layers: [
          tf.layers.dense({ inputShape: [4], units: 6, name: 'first' }),
          tf.layers.layerNormalization({ name: 'norm' }),
          tf.layers.dense({ units: 2, name: 'out' }),
        ],
      }),
    );
    const { model: smaller } = await removeChannels(model, new Map([['first', [2]]]));
    expect(weightShapes(smaller)).toEqual({ first: [[4, 5], [5]], norm: [[5], [5]], out: [[5, 2], [2]] });
    expect(outputsOf(smaller, inputsOf(model)).flat().every(Number.isFinite)).toBe(true);
  });

  it('can be saved, loaded and trained like any model', async () => {
    const { model: smaller } = await removeChannels(chain(), new Map([['conv', [1, 2, 4]]]));
    const inputs = inputsOf(smaller);
    let saved: tf.io.ModelArtifacts | undefined;
    await smaller.save(
      tf.io.withSaveHandler(async (artifacts) => {
        saved = artifacts;
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      }),
    );
    const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved!));
    expect(outputsOf(loaded, inputs)).toEqual(outputsOf(smaller, inputs));
    loaded.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    expect(Number.isFinite(await loaded.trainOnBatch(inputs[0]!, tf.oneHot([0, 1], 3)))).toBe(true);
  });

  it.each([
    [
      'an unknown group',
      new Map([['nowhere', [0]]]),
      /there is no group "nowhere". The groups of traceChannels are conv, hidden, out/,
    ],
    [
      'an index out of range',
      new Map([['conv', [5]]]),
      /indexes of group "conv" must be integers in \[0, 4\], got 5/,
    ],
    ['a fraction', new Map([['conv', [0.5]]]), /got 0.5/],
    ['an index given twice', new Map([['conv', [2, 2]]]), /index 2 of group "conv" is given twice/],
    ["the model's output", new Map([['out', [0]]]), /"out" must stay: the softmax of out/],
    [
      'every channel',
      new Map([['conv', [0, 1, 2, 3, 4]]]),
      /conv would be left without any of its 5 channels/,
    ],
    ['nothing', new Map(), /no channel is to be removed/],
    ['empty lists', new Map([['conv', []]]), /no channel is to be removed/],
  ])('refuses %s', async (_, removals, message) => {
    await expect(removeChannels(chain(), removals)).rejects.toThrow(message);
  });
});
