import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { NothingChangedError } from '@ockham/core';
import { removeLayers, replaceLayers, residualBranches, type NewLayer } from '@ockham/core/graph';
import { difference, inputsOf, outputsOf, randomise, residualNet, zeroChannels } from './graph-models.ts';

const body = (block: string) => ['a', 'a_bn', 'a_relu', 'b', 'b_bn'].map((part) => block + part);
const names = (model: tf.LayersModel) => model.layers.map(({ name }) => name);

/** Makes a block's branch contribute exactly 0. */
function silence(model: tf.LayersModel, block: string, width: number): void {
  zeroChannels(
    model,
    `${block}b_bn`,
    Array.from({ length: width }, (_, i) => i),
  );
}

describe('removeLayers', () => {
  it('removes a residual branch as if it returned 0, with or without its addition', async () => {
    for (const names of [body('two'), [...body('two'), 'two_add']]) {
      const model = residualNet();
      const inputs = inputsOf(model);
      const { model: shallower, removed } = await removeLayers(model, names);
      silence(model, 'two', 4);
      expect(difference(outputsOf(model, inputs), outputsOf(shallower, inputs))).toBeLessThan(1e-5);
      expect(removed.map(({ layer }) => layer).sort()).toEqual([...body('two'), 'two_add'].sort());
      expect(removed.every(({ kind, parameters }) => kind === 'removed' && parameters.after === 0)).toBe(
        true,
      );
    }
  });

  it('removes two blocks in a row', async () => {
    const model = residualNet();
    const inputs = inputsOf(model);
    const { model: shallower } = await removeLayers(model, [...body('two'), ...body('one')]);
    expect(names(shallower).some((name) => /^(one|two)(a|b|_add)/.test(name))).toBe(false);
    silence(model, 'one', 4);
    silence(model, 'two', 4);
    expect(difference(outputsOf(model, inputs), outputsOf(shallower, inputs))).toBeLessThan(1e-5);
  });

  it('removes a layer of a sequence, the first one included', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ name: 'a', inputShape: [3], units: 3, activation: 'tanh' }),
        tf.layers.dense({ name: 'b', units: 4 }),
        tf.layers.dense({ name: 'c', units: 4, activation: 'relu' }),
        tf.layers.dense({ name: 'd', units: 2 }),
      ],
    });
    randomise(model);
    const inputs = inputsOf(model);
    const { model: shorter } = await removeLayers(model, ['a', 'c']);
    expect(names(shorter)).toEqual(['b', 'd']);
    const expected = tf.tidy(() => {
      const b = model.getLayer('b').apply(inputs[0]!) as tf.Tensor;
      return [[...(model.getLayer('d').apply(b) as tf.Tensor).dataSync()]];
    });
    expect(difference(expected, outputsOf(shorter, inputs))).toBeLessThan(1e-6);
    expect(shorter.inputs[0]!.shape).toEqual([null, 3]);
  });

  it('removes a run whose middle has another shape', async () => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ name: 'a', units: 5, inputShape: [4] }));
    for (const [name, units] of Object.entries({ b: 9, c: 5, d: 2 }))
      model.add(tf.layers.dense({ name, units }));
    expect(names((await removeLayers(model, ['c', 'b'])).model)).toEqual(['a', 'd']);
    await expect(removeLayers(model, ['b'])).rejects.toThrow(/up to b it takes \[5\] and returns \[9\]/);
  });

  it('drops one of three inputs of an addition and keeps the addition', async () => {
    const input = tf.input({ shape: [4] });
    const branch = (name: string) => tf.layers.dense({ name, units: 4 }).apply(input) as tf.SymbolicTensor;
    const sum = tf.layers.add({ name: 'sum' }).apply([branch('f'), input, branch('g')]);
    const output = tf.layers.dense({ name: 'out', units: 2 }).apply(sum) as tf.SymbolicTensor;
    const model = randomise(tf.model({ inputs: input, outputs: output }));
    const inputs = inputsOf(model);
    const { model: smaller } = await removeLayers(model, ['f']);
    zeroChannels(model, 'f', [0, 1, 2, 3]);
    expect(names(smaller)).toContain('sum');
    expect(difference(outputsOf(model, inputs), outputsOf(smaller, inputs))).toBeLessThan(1e-5);
  });

  it('removes a nested model as a whole', async () => {
    const inner = tf.sequential({ name: 'inner' });
    inner.add(tf.layers.dense({ inputShape: [4], units: 4 }));
    const input = tf.input({ shape: [4] });
    const nested = tf.sequential({ name: 'kept' });
    nested.add(tf.layers.dense({ inputShape: [4], units: 3 }));
    const output = nested.apply(inner.apply(input)) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: output });
    const inputs = inputsOf(model);
    const { model: smaller } = await removeLayers(model, ['inner']);
    expect(difference(outputsOf(nested, inputs), outputsOf(smaller, inputs))).toBeLessThan(1e-6);
  });

  it('leaves the model as it was, and no tensor behind', async () => {
    const model = residualNet();
    const start = tf.memory().numTensors;
    const { model: shallower } = await removeLayers(model, body('one'));
    expect(tf.memory().numTensors).toBe(start + shallower.weights.length);
    shallower.dispose();
    expect(tf.memory().numTensors).toBe(start);
    expect(names(model)).toContain('onea');
  });

  it.each([
    [
      'shapes that disagree',
      [...body('three'), 'three_add', 'pad', 'subsample'],
      /takes \[6, 6, 4\] and returns \[3, 3, 8\]/,
    ],
    ['a piece with two tensors in', ['four_add', 'out'], /"four_add" joins/],
    ['an unknown name', ['nowhere'], /has no layer "nowhere"/],
    ['an input', ['image'], /"image" is an input/],
    ['nothing', [], /no layer is to be removed/],
  ])('refuses %s', async (_, names, message) => {
    await expect(removeLayers(residualNet(), names)).rejects.toThrow(message);
  });

  it('refuses to leave nothing', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ name: 'only', inputShape: [2], units: 2 })] });
    await expect(removeLayers(model, ['only'])).rejects.toThrow(/left without a layer/);
    const input = tf.input({ shape: [2] });
    const functional = tf.model({
      inputs: input,
      outputs: tf.layers.dense({ name: 'only', units: 2 }).apply(input) as tf.SymbolicTensor,
    });
    await expect(removeLayers(functional, ['only'])).rejects.toThrow(/its own input/);
  });
});

describe('residualBranches', () => {
  it('finds the branches that keep the shape, ready for removeLayers', async () => {
    const model = residualNet();
    const branches = residualBranches(model);
    expect(branches.map(({ add, layers }) => [add, [...layers].sort()])).toEqual([
      ['one_add', body('one').sort()],
      ['two_add', body('two').sort()],
      ['four_add', body('four').sort()],
    ]);
    for (const { add, layers } of branches) {
      const { model: shallower, removed } = await removeLayers(model, layers);
      expect(removed.map(({ layer }) => layer)).toContain(add);
      shallower.dispose();
    }
  });

  it('leaves out a branch that something else reads, or that needs another tensor', () => {
    const input = tf.input({ shape: [4] });
    const dense = (name: string, x: tf.SymbolicTensor) =>
      tf.layers.dense({ name, units: 4 }).apply(x) as tf.SymbolicTensor;
    const add = (name: string, x: tf.SymbolicTensor[]) =>
      tf.layers.add({ name }).apply(x) as tf.SymbolicTensor;
    const trunk = dense('trunk', input);
    const read = dense('read', trunk);
    const first = add('first', [read, trunk]);
    const mixed = tf.layers.multiply().apply([dense('mixed', first), trunk]) as tf.SymbolicTensor;
    const second = add('second', [mixed, first]);
    const free = add('third', [second, dense('free', second)]);
    const model = tf.model({ inputs: input, outputs: [free, read] });
    expect(residualBranches(model)).toEqual([{ add: 'third', layers: ['free'] }]);
    expect(
      residualBranches(tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] })),
    ).toEqual([]);
  });
});

describe('replaceLayers', () => {
  const linear = (name: string, rows: number, columns: number, fill: number): NewLayer => ({
    name,
    className: 'Dense',
    config: { units: columns, useBias: false },
    weights: [{ shape: [rows, columns], values: new Float32Array(rows * columns).fill(fill) }],
  });

  it('puts a chain in the place of a layer that is called twice and is an output', async () => {
    const input = tf.input({ shape: [3] });
    const twice = tf.layers.dense({ name: 'twice', units: 3 });
    const model = tf.model({ inputs: input, outputs: twice.apply(twice.apply(input)) as tf.SymbolicTensor });
    const chain = [linear('a', 3, 2, 1), linear('twice', 2, 3, 2)];
    const longer = await replaceLayers(model, new Map([['twice', chain]]));
    expect(names(longer).slice(1)).toEqual(['a', 'twice']);
    // each call sums its input, onto two values, and doubles their sum
    const [output] = tf.tidy(() => [...(longer.predict(tf.tensor2d([[1, 2, 4]])) as tf.Tensor).dataSync()]);
    expect(output).toBe(7 * 4 * 3 * 4);
  });

  it('keeps what it does not replace, nested models and metadata included', async () => {
    const model = residualNet();
    model.setUserDefinedMetadata({ of: 'test' });
    const inputs = inputsOf(model);
    const head = model.layers.at(-1)!;
    const [kernel, bias] = head.getWeights();
    const values = async (tensor: tf.Tensor) => ({
      shape: tensor.shape,
      values: await tensor.data<'float32'>(),
    });
    const same: NewLayer = {
      name: 'renamed',
      className: head.getClassName(),
      config: Object.fromEntries(Object.entries(head.getConfig()).filter(([key]) => key !== 'name')),
      weights: [await values(kernel!), await values(bias!)],
    };
    const copy = await replaceLayers(model, new Map([[head.name, [same]]]));
    expect(difference(outputsOf(model, inputs), outputsOf(copy, inputs))).toBe(0);
    expect(copy.getUserDefinedMetadata()).toEqual({ of: 'test' });
  });

  it('refuses names that do not exist or are taken, and empty chains', async () => {
    const model = residualNet();
    const attempt = (chains: [string, NewLayer[]][]) => replaceLayers(model, new Map(chains));
    const head = model.layers.at(-1)!.name;
    await expect(attempt([['nowhere', [linear('a', 3, 3, 1)]]])).rejects.toThrow(/no layer "nowhere"/);
    await expect(attempt([[head, []]])).rejects.toThrow(/removeLayers/);
    await expect(attempt([[head, [linear('one_add', 4, 4, 1)]]])).rejects.toThrow(
      /two layers named "one_add"/,
    );
    await expect(attempt([])).rejects.toThrow(NothingChangedError);
  });
});
