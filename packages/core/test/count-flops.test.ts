import { memory, serialization, tidy, zerosLike, type Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { countFlops } from '@ockham/core/metrics';
import { lenet300100, lenet5, resnet20, tableOneCnn } from '@ockham/core/models';
import { variableOf } from '@ockham/core/training';

const made: tf.LayersModel[] = [];
const keep = <M extends tf.LayersModel>(model: M): M => (made.push(model), model);
afterEach(() => {
  for (const model of made.splice(0)) model.dispose();
});

const oneLayer = (layer: tf.layers.Layer) => countFlops(keep(tf.sequential({ layers: [layer] })));

describe('countFlops', () => {
  it('counts the Table-1 CNN as worked by hand', async () => {
    const counts = await countFlops(keep(tableOneCnn({ seed: 1 })));
    const conv1 = 26 * 26 * 9 * 32;
    const conv2 = 11 * 11 * 9 * 32 * 64;
    expect(counts.macs).toBe(conv1 + conv2 + 16_000);
    const biases = 26 * 26 * 32 + 11 * 11 * 64;
    const pools = 13 * 13 * 32 * 3 + 5 * 5 * 64 * 3;
    expect(counts.flops).toBe(2 * counts.macs + 2 * biases + pools + 10 + 30);
    expect(counts.nonZeroFlops).toBe(counts.flops - biases - 10); // biases start at zero
    expect(counts.unknown).toEqual([]);
    expect(counts.layers.map((row) => row.name)).toEqual([
      expect.stringMatching(/input/),
      'conv1',
      'pool1',
      'conv2',
      'pool2',
      'flatten',
      'dropout',
      'output',
    ]);
  });

  it('has the multiply-accumulates that are published for the LeNets and ResNet-20', async () => {
    expect((await countFlops(keep(resnet20()))).macs).toBe(40_551_040);
    expect((await countFlops(keep(lenet5()))).macs).toBe(2_293_000); // 288,000 + 1,600,000 + 400,000 + 5,000
    expect((await countFlops(keep(lenet300100()))).macs).toBe(266_200);
  });

  it('skips products with zero weights, by what each weight costs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 18, maxLength: 18 }), async (mask) => {
        const model = tf.sequential({
          layers: [tf.layers.conv2d({ filters: 2, kernelSize: 3, inputShape: [5, 6, 1], useBias: false })],
        });
        tidy(() => variableOf(model.weights[0]!).assign(tf.tensor(mask.map(Number), [3, 3, 1, 2])));
        expect((await countFlops(model)).nonZeroFlops).toBe(2 * 3 * 4 * mask.filter(Boolean).length);
        model.dispose();
      }),
      { numRuns: 20 },
    );
  });

  it.each<[string, tf.layers.Layer, number]>([
    [
      'conv1d',
      tf.layers.conv1d({ filters: 3, kernelSize: 2, strides: 2, inputShape: [8, 5] }),
      4 * 2 * 5 * 3,
    ],
    [
      'a strided, padded convolution',
      tf.layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same', inputShape: [7, 7, 2] }),
      16 * 9 * 2 * 4,
    ],
    ['conv3d', tf.layers.conv3d({ filters: 2, kernelSize: 2, inputShape: [3, 3, 3, 2] }), 8 * 8 * 2 * 2],
    [
      'a transposed convolution',
      tf.layers.conv2dTranspose({ filters: 3, kernelSize: 2, strides: 2, inputShape: [4, 4, 5] }),
      16 * 4 * 5 * 3,
    ],
    [
      'a depthwise convolution',
      tf.layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, inputShape: [5, 5, 3] }),
      9 * 9 * 3 * 2,
    ],
    [
      'a separable convolution',
      tf.layers.separableConv2d({ filters: 4, kernelSize: 3, inputShape: [5, 5, 3] }),
      9 * (9 * 3 + 3 * 4),
    ],
    ['dense on a sequence', tf.layers.dense({ units: 3, inputShape: [6, 2] }), 6 * 2 * 3],
    ['an LSTM', tf.layers.lstm({ units: 3, inputShape: [5, 2] }), 5 * (2 + 3) * 12],
    ['a GRU', tf.layers.gru({ units: 3, inputShape: [5, 2] }), 5 * (2 + 3) * 9],
  ])('counts the multiply-accumulates of %s', async (_, layer, macs) => {
    const counts = await oneLayer(layer);
    expect(counts.unknown).toEqual([]);
    expect(counts.macs).toBe(macs);
  });

  it.each<[string, tf.layers.Layer, number]>([
    ['batch normalisation', tf.layers.batchNormalization({ inputShape: [4, 4, 3] }), 2 * 48],
    ['average pooling', tf.layers.averagePooling2d({ poolSize: 2, inputShape: [4, 4, 3] }), 12 * 4],
    [
      'a pool of one value',
      tf.layers.averagePooling2d({ poolSize: 1, strides: 2, inputShape: [4, 4, 3] }),
      0,
    ],
    [
      'global average pooling',
      tf.layers.globalAveragePooling2d({ inputShape: [4, 4, 3], dataFormat: 'channelsLast' }),
      48,
    ],
    [
      'global max pooling',
      tf.layers.globalMaxPooling2d({ inputShape: [4, 4, 3], dataFormat: 'channelsLast' }),
      45,
    ],
    ['relu', tf.layers.reLU({ inputShape: [5] }), 5],
    ['softmax', tf.layers.softmax({ inputShape: [5] }), 15],
    ['a linear activation', tf.layers.activation({ activation: 'linear', inputShape: [5] }), 0],
    ['zero padding', tf.layers.zeroPadding2d({ inputShape: [5, 5, 1] }), 0],
  ])('counts %s', async (_, layer, flops) => {
    expect(await oneLayer(layer)).toMatchObject({ flops, macs: 0, nonZeroFlops: flops, unknown: [] });
  });

  it('counts every call of a shared layer and the inside of nested models, not calls by other models', async () => {
    const input = tf.input({ shape: [4] });
    const shared = tf.layers.dense({ units: 4, useBias: false, name: 'shared' });
    const inner = tf.sequential({
      layers: [tf.layers.dense({ units: 4, inputShape: [4], useBias: false, name: 'inner' })],
    });
    const one = shared.apply(input) as tf.SymbolicTensor;
    const two = inner.apply(shared.apply(one)) as tf.SymbolicTensor;
    const sum = tf.layers.add().apply([one, two]) as tf.SymbolicTensor;
    const model = keep(tf.model({ inputs: input, outputs: sum }));
    tf.model({ inputs: input, outputs: shared.apply(one) as tf.SymbolicTensor });
    const counts = await countFlops(model);
    expect(counts.macs).toBe(3 * 16);
    expect(counts.flops).toBe(2 * 3 * 16 + 4);
    expect(counts.layers.find((row) => row.name === 'shared')).toMatchObject({ calls: 2, macs: 32 });
  });

  it('names what it cannot count instead of taking it as 0, and takes a rule for it', async () => {
    class Mystery extends tf.layers.Layer {
      static className = 'Mystery';
      override call(x: Tensor | Tensor[]): Tensor | Tensor[] {
        return x;
      }
    }
    serialization.registerClass(Mystery);
    const model = keep(
      tf.sequential({
        layers: [tf.layers.dense({ units: 2, inputShape: [3] }), new Mystery({ name: 'riddle' })],
      }),
    );
    const counts = await countFlops(model);
    expect(counts.unknown).toEqual(['riddle']);
    expect(counts.layers.at(-1)!.unknown).toBe('no rule for Mystery');
    const ruled = await countFlops(model, { rules: { Mystery: () => ({ elementwise: 7 }) } });
    expect(ruled).toMatchObject({ unknown: [], flops: counts.flops + 7 });
  });

  it('calls a layer of open size unknown', async () => {
    const counts = await countFlops(
      keep(
        tf.sequential({
          layers: [
            tf.layers.conv2d({ name: 'open', filters: 1, kernelSize: 3, inputShape: [null, null, 1] }),
          ],
        }),
      ),
    );
    expect(counts.unknown).toEqual(['open']);
    expect(counts.layers.at(-1)!.unknown).toBe('its shape is not fixed');
  });

  it('leaks no tensor', async () => {
    const model = keep(tableOneCnn());
    tidy(() => variableOf(model.weights[0]!).assign(zerosLike(model.weights[0]!.read())));
    const before = memory().numTensors;
    await countFlops(model);
    expect(memory().numTensors).toBe(before);
  });
});
