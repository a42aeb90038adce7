import * as tf from '@tensorflow/tfjs';
import { maskChannels, removeChannels, traceChannels } from '@ockham/core/graph';
import { AttentionContext, AttentionProbabilities, bert, gpt } from '@ockham/core/models';
import { describe, expect, it } from 'vitest';
import { randomise } from './graph-models.ts';

const ids = () => tf.tensor2d([[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 0, 0]], undefined, 'int32'); // prettier-ignore

const encoder = (length: number | null = 6) =>
  randomise(bert({ layers: 2, hidden: 12, heads: 3, vocabulary: 12, positions: 6, length, classes: 2, output: 'logits' })); // prettier-ignore

function outputs(model: tf.LayersModel): Float32Array {
  return tf.tidy(() => (model.apply(ids()) as tf.Tensor).dataSync<'float32'>().slice());
}

describe('attention heads in the graph', () => {
  it('are one group for each attention: queries, keys, values and the projection behind them', () => {
    const model = encoder();
    const group = traceChannels(model).groups.find(
      ({ id }) => id === 'encoder/layer_1/attention/self/query',
    )!;
    expect(group.size).toBe(3);
    expect(group.frozen).toBeUndefined();
    expect(group.approximate).toBeUndefined();
    const self = 'encoder/layer_1/attention/self';
    expect(group.producers).toEqual(['query', 'key', 'value'].map((part) => `${self}/${part}`));
    const readers = group.slices.filter(({ role }) => role === 'input');
    expect(readers.map(({ layer, axis }) => [layer, axis])).toEqual([
      ['encoder/layer_1/attention/output/dense', 0],
    ]);
    expect(readers[0]!.positions[1]).toEqual([4, 5, 6, 7]);
    model.dispose();
  });

  it.each([
    ['BERT', encoder(), 'encoder/layer_0/attention/self', 'encoder/layer_0/attention/output/dense'],
    ['BERT of any length', encoder(null), 'encoder/layer_1/attention/self', 'encoder/layer_1/attention/output/dense'],
    [
      'GPT',
      randomise(gpt({ layers: 2, hidden: 12, heads: 3, vocabulary: 12, positions: 6 })),
      'h_1/attn',
      'h_1/attn/projection',
    ],
  ])('are removed from %s with the outputs of masking them', async (_, model, attention, projection) => {
    const removals = new Map([[`${attention}/query`, [0, 2]]]);
    const masked = await maskChannels(model, removals);
    const { model: smaller, removed } = await removeChannels(model, removals);
    const shapes = ['query', 'key', 'value'].map((part) => smaller.getLayer(`${attention}/${part}`).weights[0]!.shape);
    expect(shapes).toEqual([[12, 4], [12, 4], [12, 4]]); // prettier-ignore
    expect(smaller.getLayer(projection).weights[0]!.shape).toEqual([4, 12]);
    expect(smaller.getLayer(`${attention}/probabilities`).getConfig()['heads']).toBe(1);
    expect(smaller.getLayer(`${attention}/context`).getConfig()['heads']).toBe(1);
    expect(removed.map(({ layer }) => layer)).toContain(projection);
    const [expected, found] = [outputs(masked), outputs(smaller)];
    for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 4);
    expect(outputs(model)).not.toEqual(found);
    for (const each of [model, masked, smaller]) each.dispose();
  }); // prettier-ignore

  it('leave one at least', async () => {
    const model = encoder();
    const all = new Map([['encoder/layer_0/attention/self/query', [0, 1, 2]]]);
    await expect(removeChannels(model, all)).rejects.toThrow('without any of its');
    model.dispose();
  });

  it('are frozen where something else than attention reads the scores', () => {
    const x = tf.input({ shape: [4, 6] });
    const mask = tf.input({ shape: [1, 1, 4] });
    const part = (name: string) => tf.layers.dense({ units: 6, name }).apply(x) as tf.SymbolicTensor;
    const [q, k, v] = ['q', 'k', 'v'].map(part) as [tf.SymbolicTensor, tf.SymbolicTensor, tf.SymbolicTensor];
    const scores = new AttentionProbabilities({ heads: 2 }).apply([q, k, mask]) as tf.SymbolicTensor;
    const context = new AttentionContext({ heads: 2 }).apply([scores, v]) as tf.SymbolicTensor;
    const read = tf.layers.dense({ units: 3, name: 'reader' }).apply(scores) as tf.SymbolicTensor;
    const model = tf.model({ inputs: [x, mask], outputs: [context, read] });
    const heads = traceChannels(model).groups.find(({ id }) => id === 'q')!;
    expect(heads.frozen).toBe('reader reads attention along its positions');
    model.dispose();
  });
});
