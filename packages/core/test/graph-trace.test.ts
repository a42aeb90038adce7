import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { traceChannels } from '@ockham/core/graph';
import { chain, residualNet } from './graph-models.ts';

const summary = (model: tf.LayersModel) =>
  traceChannels(model).groups.map(({ id, size, producers, frozen }) => ({
    id,
    size,
    producers,
    free: frozen === undefined,
  }));

describe('traceChannels', () => {
  it('finds one group per layer in a chain, and keeps the outputs', () => {
    expect(summary(chain())).toEqual([
      { id: 'conv', size: 5, producers: ['conv'], free: true },
      { id: 'hidden', size: 7, producers: ['hidden'], free: true },
      { id: 'out', size: 3, producers: ['out'], free: false },
    ]);
  });

  it('names every place of a channel, a block of features behind a flatten included', () => {
    const [conv] = traceChannels(chain()).groups;
    const places = conv!.slices.map(({ layer, weight, axis, role, positions }) => [
      `${layer}/${weight}`,
      axis,
      role,
      positions[1],
    ]);
    expect(places).toEqual([
      ['conv/kernel', 3, 'output', [1]],
      ['conv/bias', 0, 'output', [1]],
      ['bn/gamma', 0, 'follow', [1]],
      ['bn/beta', 0, 'follow', [1]],
      ['bn/moving_mean', 0, 'follow', [1]],
      ['bn/moving_variance', 0, 'follow', [1]],
      ['hidden/kernel', 0, 'input', [1, 6, 11, 16]],
    ]);
  });

  it('couples a residual stream, with a group for the channels that zero padding adds', () => {
    const stream = ['stem', 'oneb', 'twob', 'threeb', 'fourb'];
    expect(summary(residualNet())).toEqual([
      { id: 'stem', size: 4, producers: stream, free: true },
      { id: 'onea', size: 4, producers: ['onea'], free: true },
      { id: 'twoa', size: 4, producers: ['twoa'], free: true },
      { id: 'threea', size: 8, producers: ['threea'], free: true },
      { id: 'threeb', size: 4, producers: ['threeb', 'fourb'], free: true },
      { id: 'foura', size: 8, producers: ['foura'], free: true },
      { id: 'out', size: 3, producers: ['out'], free: false },
    ]);
  });

  it('freezes what an unknown kind of layer touches, and says which layer', () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ name: 'before', inputShape: [4, 3], units: 5 }),
        tf.layers.lstm({ name: 'memory', units: 6 }),
        tf.layers.dense({ name: 'between', units: 4 }),
        tf.layers.dense({ name: 'out', units: 2 }),
      ],
    });
    const groups = traceChannels(model).groups;
    expect(groups.map(({ id, frozen }) => [id, frozen === undefined])).toEqual([
      ['before', false],
      ['between', true],
      ['out', false],
    ]);
    expect(groups[0]!.frozen).toMatch(/memory is a LSTM/);
  });

  it.each([
    ['a softmax in the middle', tf.layers.softmax({ name: 'mix' }), /softmax of mix mixes its channels/],
    ['a permutation', tf.layers.permute({ name: 'mix', dims: [2, 1] }), /mix moves channels off/],
    [
      'a normalisation of rows',
      tf.layers.batchNormalization({ name: 'mix', axis: 1 }),
      /mix normalises an axis/,
    ],
  ])('freezes the channels of %s', (_, layer, reason) => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ inputShape: [3, 2], units: 5, name: 'first' }));
    model.add(layer);
    model.add(tf.layers.dense({ units: 2, name: 'out' }));
    expect(traceChannels(model).groups[0]!.frozen).toMatch(reason);
  });

  it('freezes channels that are broadcast or that meet the input', () => {
    const input = tf.input({ shape: [4, 4, 3], name: 'image' });
    const scale = tf.layers
      .conv2d({ filters: 1, kernelSize: 1, name: 'scale' })
      .apply(input) as tf.SymbolicTensor;
    const wide = tf.layers
      .conv2d({ filters: 6, kernelSize: 1, name: 'wide' })
      .apply(input) as tf.SymbolicTensor;
    const same = tf.layers
      .conv2d({ filters: 3, kernelSize: 1, name: 'same' })
      .apply(input) as tf.SymbolicTensor;
    const scaled = tf.layers.multiply({ name: 'attend' }).apply([wide, scale]) as tf.SymbolicTensor;
    const sum = tf.layers.add().apply([same, input]) as tf.SymbolicTensor;
    const joined = tf.layers.concatenate().apply([scaled, sum]);
    const output = tf.layers
      .conv2d({ filters: 2, kernelSize: 1, name: 'out' })
      .apply(joined) as tf.SymbolicTensor;
    const groups = traceChannels(tf.model({ inputs: input, outputs: output })).groups;
    const frozen = Object.fromEntries(groups.map(({ id, frozen: reason }) => [id, reason]));
    expect(frozen['wide']).toBeUndefined();
    expect(frozen['scale']).toMatch(/attend spreads it over 6 channels/);
    expect(frozen['same']).toMatch(/model's input image/);
  });

  it('marks a group behind layer normalisation: its statistics change with its channels', () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ inputShape: [4], units: 6, name: 'first' }),
        tf.layers.layerNormalization({ name: 'norm' }),
        tf.layers.dense({ units: 2, name: 'out' }),
      ],
    });
    const [first] = traceChannels(model).groups;
    expect(first!.frozen).toBeUndefined();
    expect(first!.approximate).toMatch(/norm takes its mean/);
    expect(first!.slices.map(({ weight }) => weight)).toEqual(['kernel', 'bias', 'gamma', 'beta', 'kernel']);
  });

  it('refuses a model that makes no channels', () => {
    const model = tf.sequential({ layers: [tf.layers.flatten({ inputShape: [2, 2] })] });
    expect(() => traceChannels(model)).toThrow(/no layer that makes channels/);
  });
});
