import { memory, tensor, tidy, type Tensor } from '@tensorflow/tfjs';
import type { Split } from '@ockham/core';
import { countFlops } from '@ockham/core/metrics';
import { cloneModel, mlp, resnet } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { saveWeights, train } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { holdZeros, pruneChannels, pruneHeads, pruneRows, pruneSparse, reduceLayers } from '../../src/compress/reduction/index.ts'; // prettier-ignore
import { points, tinyBert, tinyGpt, tinyMlp, tokenTexts } from '../training/tiny-models.ts';

const logits = 'crossEntropyFromLogits' as const;

function output(model: LayersModel, { x, size }: Split): Float32Array {
  return tidy(() => {
    const dtype = x.values instanceof Int32Array ? 'int32' : 'float32';
    return (model.apply(tensor(x.values, [size, ...x.shape], dtype)) as Tensor).dataSync<'float32'>().slice();
  });
}

/** Sets values of one weight. */
function edit(model: LayersModel, layer: string, which: number, change: (value: number, at: number) => number): void {
  const target = model.getLayer(layer);
  tidy(() => target.setWeights(target.getWeights().map((w, i) => (i === which ? tensor(w.dataSync<'float32'>().map(change), w.shape) : w)))); // prettier-ignore
} // prettier-ignore

const close = (a: Float32Array, b: Float32Array) =>
  a.forEach((value, i) => expect(b[i]).toBeCloseTo(value, 4));

describe('reduceLayers', () => {
  it.each([
    ['BERT', () => tinyBert(3, { layers: 4 }), () => tinyBert(9, { layers: 2 }), 'encoder/layer_'],
    ['GPT', () => tinyGpt(3, 4), () => tinyGpt(9, 2), 'h_'],
  ] as const)(
    'gives a %s of the layers on the list the weights that they had',
    async (_, big, small, prefix) => {
      const [teacher, other] = [big(), small()];
      const before = await saveWeights(teacher);
      const { model, removedLayers, removed } = await reduceLayers(teacher, { keep: [1, 3] });
      expect(removedLayers).toEqual([0, 2]);
      expect(removed.every(({ kind, layer }) => kind === 'removed' && /_[02]\//.test(layer))).toBe(true);
      // by hand: a model of two layers with the weights of layers 1 and 3
      for (const layer of other.layers) {
        const from = layer.name.replace(`${prefix}1/`, `${prefix}3/`).replace(`${prefix}0/`, `${prefix}1/`);
        layer.setWeights(teacher.getLayer(from).getWeights());
      }
      const data = tokenTexts(3);
      const x = { ...data, x: { values: data.x.values.slice(0, 15).map((id) => id % 12), shape: [5] } };
      const input = prefix === 'h_' ? x : data;
      close(output(other, input), output(model, input));
      expect(await saveWeights(teacher)).toEqual(before);
      for (const each of [teacher, other, model]) each.dispose();
    },
  );

  it('refuses a list that is empty, names all layers, or others', async () => {
    const teacher = tinyBert(3, { layers: 3 });
    await expect(reduceLayers(teacher, { keep: [] })).rejects.toThrow('0, 1, 2, rising, got []');
    await expect(reduceLayers(teacher, { keep: [2, 0] })).rejects.toThrow('rising');
    await expect(reduceLayers(teacher, { keep: [0, 3] })).rejects.toThrow('got [0, 3]');
    await expect(reduceLayers(teacher, { keep: [0, 1, 2] })).rejects.toMatchObject({
      code: 'nothing-changed',
    });
    const other = tinyMlp();
    await expect(reduceLayers(other, { keep: [0] })).rejects.toMatchObject({ code: 'unsupported-model' });
    for (const model of [teacher, other]) model.dispose();
  });
});

describe('pruneHeads', () => {
  it('removes the head that nothing reads, and computes the same without it', async () => {
    const model = tinyBert(3);
    const dead = [1, 0]; // of each layer
    for (const [layer, head] of dead.entries())
      edit(model, `encoder/layer_${layer}/attention/output/dense`, 0, (value, at) => (Math.floor(at / 8 / 4) === head ? 0 : value)); // prettier-ignore
    const data = tokenTexts(4);
    for (const options of [{ keep: 0.5 }, { keep: 0.5, data, loss: logits }]) {
      const { model: smaller, pruned } = await pruneHeads(model, options);
      expect([...pruned.values()]).toEqual(dead.map((head) => [head]));
      expect(smaller.getLayer('encoder/layer_1/attention/self/key').weights[0]!.shape).toEqual([8, 4]);
      close(output(model, data), output(smaller, data));
      smaller.dispose();
    }
    model.dispose();
  });

  it('leaves a GPT that trains on', async () => {
    const model = tinyGpt();
    const { model: smaller, pruned } = await pruneHeads(model, { keep: 0.5 });
    expect([...pruned.keys()]).toEqual(['h_0/attn/query', 'h_1/attn/query']);
    const ids = { values: Int32Array.from({ length: 20 }, (_, i) => i % 12), shape: [5] };
    const { epochs } = await train(smaller, { size: 4, x: ids, y: ids }, { epochs: 1, loss: logits });
    expect(epochs[0]!.loss).toBeGreaterThan(0);
    for (const each of [model, smaller]) each.dispose();
  });
});

describe('pruneRows', () => {
  it('removes the neurons that nothing reads from the feed-forward layers of a BERT, where only they are named', async () => {
    const model = tinyBert(3);
    const dead = (row: number) => row % 4 === 1; // of 32
    for (const layer of [0, 1])
      edit(model, `encoder/layer_${layer}/output/dense`, 0, (value, at) => (dead(Math.floor(at / 8)) ? 0 : value));
    const data = tokenTexts(4);
    const before = memory().numTensors;
    const { model: smaller, pruned, removed } = await pruneRows(model, { keep: 0.75, data, loss: logits, only: /intermediate/ });
    expect([...pruned.keys()]).toEqual(['encoder/layer_0/intermediate/dense', 'encoder/layer_1/intermediate/dense']);
    expect([...pruned.values()][0]).toEqual(Array.from({ length: 8 }, (_, i) => 4 * i + 1));
    expect(removed).toHaveLength(4);
    close(output(model, data), output(smaller, data));
    smaller.dispose();
    expect(memory().numTensors).toBe(before);
    model.dispose();
  }); // prettier-ignore

  it('goes by the size of weights where there is no data, and by the names that are given', async () => {
    const model = mlp({ inputShape: [4], units: [6, 6], classes: 3, seed: 2 });
    const [first] = model.layers.filter((layer) => layer.getClassName() === 'Dense').map(({ name }) => name);
    edit(model, first!, 0, (value, at) => (at % 6 === 4 ? value / 100 : value));
    const { pruned, model: smaller } = await pruneRows(model, {
      keep: 5 / 6,
      only: new RegExp(`^${first}$`),
    });
    expect([...pruned]).toEqual([[first, [4]]]);
    for (const each of [model, smaller]) each.dispose();
  });

  it('refuses a part out of range, one that leaves everything, and gradients of nothing', async () => {
    const model = tinyMlp();
    await expect(pruneRows(model, { keep: 1 })).rejects.toThrow('keep must be in (0, 1)');
    await expect(pruneRows(model, { keep: 0.99 })).rejects.toMatchObject({ code: 'nothing-changed' });
    await expect(pruneRows(model, { keep: 0.5, criterion: 'gradient' })).rejects.toThrow('needs data');
    await expect(pruneHeads(model, { keep: 0.5 })).rejects.toThrow('no attention heads');
    await expect(pruneChannels(model, { keep: 0.5 })).rejects.toThrow('no convolution channels');
    model.dispose();
  });
});

describe('pruneChannels', () => {
  it('makes a residual network smaller in every stage and leaves the given one', async () => {
    const model = resnet({ depth: 8, inputShape: [8, 8, 3], classes: 2, seed: 1 });
    const copy = await cloneModel(model);
    const { model: smaller, pruned, removed } = await pruneChannels(model, { keep: 0.5 });
    const [full, half] = [(await countFlops(model)).flops, (await countFlops(smaller)).flops];
    expect(half / full).toBeLessThan(0.35);
    expect(pruned.size).toBeGreaterThan(3);
    expect(removed.every(({ parameters }) => parameters.after <= parameters.before)).toBe(true);
    expect((await saveWeights(model)).arrays).toEqual((await saveWeights(copy)).arrays);
    for (const each of [model, copy, smaller]) each.dispose();
  });
});

describe('pruneSparse', () => {
  it('keeps the largest weights of each matrix, and training keeps the zeros', async () => {
    const model = tinyMlp();
    const { model: sparse, layers } = await pruneSparse(model, { keep: 0.25 });
    expect([...layers]).toEqual([
      ['first', { parameters: 24, zeros: 18, fresh: 18 }],
      ['second', { parameters: 18, zeros: 13, fresh: 13 }],
    ]);
    const [before, after] = [model, sparse].map((one) => one.getLayer('first').getWeights()[0]!.dataSync());
    const least = Math.min(...after!.filter((value) => value !== 0).map(Math.abs));
    before!.forEach((value, i) => expect(after![i]).toBe(Math.abs(value) >= least ? value : 0));
    const tensors = memory().numTensors;
    const constraint = await holdZeros(sparse);
    await train(sparse, points(32), { epochs: 2, batchSize: 8, constraint });
    constraint.dispose();
    expect(memory().numTensors).toBe(tensors);
    const trained = sparse.getLayer('first').getWeights()[0]!.dataSync();
    trained.forEach((value, i) => expect(value === 0).toBe(after![i] === 0));
    for (const each of [model, sparse]) each.dispose();
  });

  it('by SNIP removes first what the loss does not depend on, over the whole model where asked', async () => {
    const model = tinyMlp();
    edit(model, 'second', 0, (value, at) => (Math.floor(at / 3) === 2 ? 0 : value)); // neuron 2 is not read
    const options = {
      keep: 0.8,
      criterion: 'snip',
      scope: 'model',
      data: points(32),
      batchSize: 16,
    } as const;
    const { model: sparse, layers } = await pruneSparse(model, options);
    const first = sparse.getLayer('first').getWeights()[0]!.dataSync();
    for (let input = 0; input < 4; input++) expect(first[input * 6 + 2]).toBe(0);
    const zeros = [...layers.values()].reduce((sum, one) => sum + one.zeros, 0);
    expect(zeros).toBe(42 - Math.round(0.8 * 42));
    for (const each of [model, sparse]) each.dispose();
  });

  it('takes as many as it should for any part, by property', async () => {
    const model = tinyMlp();
    const random = new Random(4);
    for (let i = 0; i < 5; i++) {
      const keep = random.uniform(0.05, 0.95);
      const { model: sparse, layers } = await pruneSparse(model, { keep });
      expect(layers.get('first')!.zeros).toBe(24 - Math.round(keep * 24));
      sparse.dispose();
    }
    model.dispose();
  });

  it('refuses what changes nothing', async () => {
    const model = tinyMlp();
    const { model: sparse } = await pruneSparse(model, { keep: 0.5 });
    await expect(pruneSparse(sparse, { keep: 0.5 })).rejects.toMatchObject({ code: 'nothing-changed' });
    await expect(pruneSparse(model, { keep: 0.5, criterion: 'snip' })).rejects.toThrow('needs data');
    for (const each of [model, sparse]) each.dispose();
  });
});
