import * as tf from '@tensorflow/tfjs';
import {
  AbortedError,
  ArgumentError,
  NothingChangedError,
  UnsupportedModelError,
  type Split,
} from '@ockham/core';
import { removeChannels } from '@ockham/core/graph';
import { Random } from '@ockham/core/random';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { channelGram } from '../src/channel-gram.ts';
import { readsOf } from '../src/channel-reads.ts';
import { formatGreedyPlan, greedyLayerSelection } from '../src/greedy-layer-selection.ts';

const random = new Random(3).stream('greedy-layer-selection.test');
const init = (seed: number): ReturnType<typeof tf.initializers.randomNormal> =>
  tf.initializers.randomNormal({ stddev: 0.5, seed });
const size = 12;
const data: Split = {
  size,
  x: { values: Float32Array.from({ length: size * 64 }, () => random.normal()), shape: [8, 8, 1] },
  y: { values: Int32Array.from({ length: size }, () => random.integer(3)), shape: [] },
};

/** conv1 (4) → pool → conv2 (5) → flatten → dense1 (6) → output (3). */
function smallNet(): tf.LayersModel {
  return tf.sequential({
    layers: [
      tf.layers.conv2d({
        name: 'conv1',
        inputShape: [8, 8, 1],
        filters: 4,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer: init(1),
        biasInitializer: init(7),
      }),
      tf.layers.maxPooling2d({ name: 'pool', poolSize: 2 }),
      tf.layers.conv2d({
        name: 'conv2',
        filters: 5,
        kernelSize: 2,
        activation: 'relu',
        padding: 'same',
        kernelInitializer: init(2),
      }),
      tf.layers.flatten({ name: 'flatten' }),
      tf.layers.dense({
        name: 'dense1',
        units: 6,
        activation: 'relu',
        kernelInitializer: init(3),
        biasInitializer: init(8),
      }),
      tf.layers.dense({ name: 'output', units: 3, activation: 'softmax', kernelInitializer: init(4) }),
    ],
  });
}

/** What layer `reader` computes before its activation, bias taken off, with kernel entries of channels outside `only` at 0. */
function preActivation(
  model: tf.LayersModel,
  reader: string,
  only: (position: number) => boolean,
): Float32Array {
  return tf.tidy(() => {
    const layer = model.getLayer(reader);
    const x = tf.tensor(data.x.values, [size, 8, 8, 1]);
    const input = tf.model({ inputs: model.inputs, outputs: layer.input }).predict(x) as tf.Tensor;
    const kernel = layer.getWeights()[0]!;
    const axis = kernel.rank - 2;
    const keep = tf.tensor(
      Array.from({ length: kernel.shape[axis]! }, (_, p) => (only(p) ? 1 : 0)),
      kernel.shape.map((d, a) => (a === axis ? d : 1)),
    );
    const masked = tf.mul(kernel, keep);
    const out =
      kernel.rank === 4
        ? tf.conv2d(input as tf.Tensor4D, masked as tf.Tensor4D, 1, 'same')
        : tf.matMul(input, masked);
    return out.dataSync<'float32'>().slice();
  });
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

let model: tf.LayersModel;
let tensors: number;
beforeEach(() => {
  tensors = tf.memory().numTensors;
  model = smallNet();
});
afterEach(() => {
  model.dispose();
  expect(tf.memory().numTensors).toBe(tensors);
});

describe('channelGram', () => {
  it.each([
    ['conv1', 'conv2', 4, (p: number) => p],
    ['conv2', 'dense1', 5, (p: number) => p % 5],
    ['dense1', 'output', 6, (p: number) => p],
  ])(
    'of %s holds the inner products of what each channel adds to %s',
    async (producer, reader, channels, channelOf) => {
      const { reads } = readsOf('test', model, producer);
      const gram = await channelGram('test', model, reads, data, { batchSize: 5 });
      const parts = Array.from({ length: channels }, (_, c) =>
        preActivation(model, reader, (p) => channelOf(p) === c),
      );
      const scale = Math.max(...gram.map(Math.abs));
      for (let c = 0; c < channels; c++) {
        for (let d = 0; d < channels; d++)
          expect(gram[c * channels + d]! / scale).toBeCloseTo(dot(parts[c]!, parts[d]!) / scale, 5);
      }
    },
  );
});

describe('greedyLayerSelection', () => {
  it('keeps the channels and scales whose output error it reports', async () => {
    const before = model.getWeights().map((w) => w.dataSync<'float32'>().slice());
    const full = preActivation(model, 'dense1', () => true);
    const { model: masked, layers } = await greedyLayerSelection(model, data, {
      layers: { conv2: 3 },
      size: 50,
    });
    const [selection] = layers;
    expect(selection!.kept).toHaveLength(3);
    expect([...selection!.kept, ...selection!.removed].sort()).toEqual([0, 1, 2, 3, 4]);
    const error = preActivation(masked, 'dense1', () => true).map((v, i) => v - full[i]!);
    expect(Math.sqrt(dot(error, error) / dot(full, full))).toBeCloseTo(selection!.relativeError!, 4);
    for (const c of selection!.removed) {
      expect(selection!.scales[c]).toBe(0);
      expect(Math.max(...preActivation(masked, 'dense1', (p) => p % 5 === c).map(Math.abs))).toBe(0);
    }
    expect(selection!.scales.reduce((sum, s) => sum + s, 0)).toBeLessThanOrEqual(5 + 1e-12); // C times weights that sum to 1 at most
    model.getWeights().forEach((w, i) => expect(w.dataSync()).toEqual(before[i]));
    masked.dispose();
  });

  it('drops a channel that contributes nothing', async () => {
    const conv = model.getLayer('conv1');
    const dead = conv.getWeights().map((w) => tf.tidy(() => tf.mul(w, [1, 1, 0, 1])));
    conv.setWeights(dead);
    tf.dispose(dead);
    const { model: masked, layers } = await greedyLayerSelection(model, data, {
      layers: { conv1: 3 },
      size: 2000,
    });
    expect([...layers[0]!.removed]).toEqual([2]);
    expect(layers[0]!.relativeError!).toBeLessThan(2e-2);
    masked.dispose();
  });

  it('without rescaling reports the error of the mask alone', async () => {
    const full = preActivation(model, 'conv2', () => true);
    const { model: masked, layers } = await greedyLayerSelection(model, data, {
      layers: { conv1: 2 },
      rescale: false,
    });
    const error = preActivation(masked, 'conv2', () => true).map((v, i) => v - full[i]!);
    expect(Math.sqrt(dot(error, error) / dot(full, full))).toBeCloseTo(layers[0]!.relativeError!, 4);
    expect([...layers[0]!.scales].sort()).toEqual([0, 0, 1, 1]);
    masked.dispose();
  });

  it('of a layer that contributes nothing is refused', async () => {
    const conv = model.getLayer('conv1');
    const zeros = conv.getWeights().map((w) => tf.zerosLike(w));
    conv.setWeights(zeros);
    tf.dispose(zeros);
    await expect(greedyLayerSelection(model, data, { layers: { conv1: 2 } })).rejects.toThrow(
      /contribute nothing/,
    );
  });

  it('plans first: the dry run names what the run then does', async () => {
    const options = { layers: { dense1: 0.5, conv1: 2 }, size: 7 };
    const plan = await greedyLayerSelection(model, data, { ...options, dryRun: true });
    expect(plan.layers).toEqual([
      { layer: 'conv1', group: 'conv1', channels: 4, keep: 2, readers: ['conv2'], selections: 7, passes: 1 },
      {
        layer: 'dense1',
        group: 'dense1',
        channels: 6,
        keep: 3,
        readers: ['output'],
        selections: 7,
        passes: 1,
      },
    ]);
    const { layers, model: masked } = await greedyLayerSelection(model, data, options);
    for (const [i, { kept, history }] of layers.entries()) {
      expect(kept.length).toBeLessThanOrEqual(plan.layers[i]!.keep);
      expect(history).toHaveLength(plan.layers[i]!.selections);
    }
    masked.dispose();
    expect(formatGreedyPlan(plan)).toMatch(/conv1 +conv2 +4 +2 +7 +1/);
  });

  it('goes first layer first, whatever the order it is given', async () => {
    const {
      model: masked,
      layers,
      removals,
    } = await greedyLayerSelection(model, data, { layers: { dense1: 0.5, conv1: 2 } });
    expect(layers.map(({ layer, kept }) => [layer, kept.length])).toEqual([
      ['conv1', 2],
      ['dense1', 3],
    ]);
    expect([...removals.keys()]).toEqual(['conv1', 'dense1']);
    masked.dispose();
  });

  it('hands removals to removeChannels: the smaller model computes the same', async () => {
    const { model: masked, removals } = await greedyLayerSelection(model, data, {
      layers: { conv1: 2, conv2: 3 },
    });
    const { model: smaller } = await removeChannels(masked, removals);
    expect(smaller.countParams()).toBeLessThan(masked.countParams());
    const [a, b] = [masked, smaller].map((m) =>
      tf.tidy(() =>
        (m.predict(tf.tensor(data.x.values as Float32Array, [size, 8, 8, 1])) as tf.Tensor).dataSync(),
      ),
    );
    a!.forEach((v, i) => expect(v).toBeCloseTo(b![i]!, 5));
    masked.dispose();
    smaller.dispose();
  });

  it('by loss picks, each time, the channel whose trial lowers the loss most', async () => {
    const { model: masked, layers } = await greedyLayerSelection(model, data, {
      layers: { dense1: 2 },
      criterion: 'loss',
      size: 3,
      batchSize: 5,
    });
    const { history } = layers[0]!;
    const kernel = model.getLayer('output').getWeights()[0]!;
    const original = kernel.dataSync<'float32'>().slice();
    const lossWith = (scales: number[]): number =>
      tf.tidy(() => {
        model
          .getLayer('output')
          .setWeights([
            tf.mul(tf.tensor(original, [6, 3]), tf.tensor(scales, [6, 1])),
            model.getLayer('output').getWeights()[1]!,
          ]);
        const p = (
          model.predict(tf.tensor(data.x.values, [size, 8, 8, 1])) as tf.Tensor
        ).arraySync() as number[][];
        return p.reduce((sum, row, i) => sum - Math.log(row[data.y.values[i]!]!), 0) / size;
      });
    const counts = new Array<number>(6).fill(0);
    history.forEach(({ index, loss }, at) => {
      const trials = counts.map((_, c) =>
        lossWith(counts.map((count, i) => (6 * (count + (i === c ? 1 : 0))) / (at + 1))),
      );
      const allowed = trials.filter((_, c) => at < 2 || counts[c]! > 0);
      expect(loss).toBeCloseTo(trials[index]!, 4);
      expect(trials[index]).toBeCloseTo(Math.min(...allowed), 4);
      counts[index]!++;
    });
    masked.dispose();
  });

  it('refuses what it cannot do, and leaks nothing', async () => {
    const run = (layers: Record<string, number>, more = {}): Promise<unknown> =>
      greedyLayerSelection(model, data, { layers, ...more });
    await expect(run({})).rejects.toThrow(ArgumentError);
    await expect(run({ conv9: 1 })).rejects.toThrow(/no layer conv9 .* conv1, conv2, dense1/);
    await expect(run({ conv1: 5 })).rejects.toThrow(/conv1 has 4 channels/);
    await expect(run({ conv1: 0 })).rejects.toThrow(ArgumentError);
    await expect(run({ output: 1 })).rejects.toThrow(/output/);
    await expect(run({ conv1: 2 }, { criterion: 'luck' })).rejects.toThrow(ArgumentError);
    await expect(run({ conv1: 4 }, { rescale: false, size: 400, step: 'uniform' })).rejects.toThrow(
      NothingChangedError,
    );
    const controller = new AbortController();
    controller.abort();
    await expect(run({ conv1: 2 }, { signal: controller.signal })).rejects.toThrow(AbortedError);
  });

  it('by reconstruction refuses readers that it cannot take apart', async () => {
    const odd = tf.sequential({
      layers: [
        tf.layers.conv2d({ name: 'first', inputShape: [8, 8, 1], filters: 3, kernelSize: 3 }),
        tf.layers.conv2dTranspose({ name: 'second', filters: 2, kernelSize: 3 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 3, activation: 'softmax' }),
      ],
    });
    await expect(greedyLayerSelection(odd, data, { layers: { first: 2 } })).rejects.toThrow(
      UnsupportedModelError,
    );
    odd.dispose();
  });
});
