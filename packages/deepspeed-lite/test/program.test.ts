import { bert, mlp, resnet } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { lossFunction, lossGradients, trainableVariables, withRegularisation, withSeededDropout, type Loss } from '@ockham/core/training'; // prettier-ignore
import { dispose, memory, tensor, tidy, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import { input, layers, model as modelOf, regularizers, sequential, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers'; // prettier-ignore
import { describe, expect, it } from 'vitest';
import { cutModel } from '../src/program/cut-model.ts';
import { applyProgram, gradientsOf, MicroBatch } from '../src/program/micro-batch.ts';

const random = new Random(11);
const seed = 3;
const glorot = 'glorotNormal';

interface Case {
  readonly model: () => LayersModel;
  readonly loss: Loss;
  /** Token ids below this instead of real inputs. */
  readonly ids?: number;
  readonly classes: number;
  readonly labelShape?: number[];
}

function tied(): LayersModel {
  const x = input({ shape: [6] });
  const shared = layers.dense({
    units: 6,
    activation: 'tanh',
    kernelRegularizer: regularizers.l2({ l2: 0.01 }),
  });
  const h = shared.apply(shared.apply(x)) as SymbolicTensor;
  const between = layers.dense({ units: 6, activation: 'relu', kernelRegularizer: 'l1l2' }).apply(h);
  const again = shared.apply(between) as SymbolicTensor;
  const sum = layers.add().apply([again, h, x]) as SymbolicTensor;
  return modelOf({
    inputs: x,
    outputs: layers.dense({ units: 3, activation: 'softmax' }).apply(sum) as SymbolicTensor,
  });
}

function nested(): LayersModel {
  const inner = sequential({
    layers: [
      layers.dense({ units: 5, activation: 'relu', inputShape: [6] }),
      layers.dropout({ rate: 0.4 }),
      layers.dense({ units: 6 }),
    ],
  });
  const x = input({ shape: [6] });
  const once = inner.apply(x) as SymbolicTensor;
  const sum = layers.add().apply([inner.apply(once) as SymbolicTensor, x]) as SymbolicTensor;
  const head = sequential({
    layers: [
      layers.batchNormalization({ inputShape: [6] }),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
  });
  return modelOf({ inputs: x, outputs: head.apply(sum) as SymbolicTensor });
}

const text = {
  preset: 'tiny',
  hidden: 8,
  heads: 2,
  layers: 2,
  vocabulary: 20,
  length: 5,
  positions: 5,
  seed,
} as const;
const cases: Record<string, Case> = {
  mlp: {
    model: () => mlp({ inputShape: [6], units: [5, 4], classes: 3, dropout: 0.3, seed }),
    loss: 'crossEntropy',
    classes: 3,
  },
  'resnet-8': {
    model: () => resnet({ depth: 8, inputShape: [8, 8, 3], classes: 3, seed }),
    loss: 'crossEntropy',
    classes: 3,
  },
  'bert with its mask': {
    model: () => bert({ ...text, classes: 3 }),
    loss: 'crossEntropy',
    ids: 20,
    classes: 3,
  },
  'a language model with tied tables': {
    model: () => bert({ ...text, head: 'language-model' }),
    loss: 'crossEntropyFromLogits',
    ids: 20,
    classes: 20,
    labelShape: [5],
  },
  'shared layers with regularisers': { model: tied, loss: 'crossEntropy', classes: 3 },
  'nested models': { model: nested, loss: 'crossEntropy', classes: 3 },
  'recurrent layers': {
    model: () =>
      sequential({
        layers: [
          layers.embedding({ inputDim: 9, outputDim: 4, inputLength: 5 }),
          layers.gru({ units: 4, returnSequences: true, recurrentInitializer: glorot }),
          layers.lstm({ units: 3, recurrentInitializer: glorot }),
          layers.dense({ units: 3, activation: 'softmax' }),
        ],
      }),
    loss: 'crossEntropy',
    ids: 9,
    classes: 3,
  },
};

function batchFor(model: LayersModel, { ids, classes, labelShape = [] }: Case): { x: Tensor; y: Tensor } {
  const shape = [4, ...(model.inputs[0]!.shape.slice(1) as number[])];
  const size = shape.reduce((a, b) => a * b);
  const values = Float32Array.from({ length: size }, () => (ids ? random.integer(ids) : random.normal()));
  const labels = Int32Array.from({ length: [4, ...labelShape].reduce((a, b) => a * b) }, () =>
    random.integer(classes),
  );
  return {
    x: tensor(values, shape, ids ? 'int32' : 'float32'),
    y: tensor(labels, [4, ...labelShape], 'int32'),
  };
}

describe.each(Object.entries(cases))('the blocks of %s', (_, each) => {
  it.each(['narrow', 'layers', 'none'] as const)(
    'cut at %s give the bits of the model and of its gradients',
    (at) => {
      const model = each.model();
      const { x, y } = batchFor(model, each);
      const state = model.weights.filter((w) => !w.trainable).map((w) => w.read().dataSync().slice());
      const mode = { training: true, random: new Random(2), step: 4 };
      const loss = lossFunction(each.loss);
      const expected = tidy(() => {
        const { value, grads } = withSeededDropout(model, mode.random, mode.step, () =>
          lossGradients(
            () => withRegularisation(loss(y, model.apply(x, { training: true }) as Tensor), model),
            trainableVariables(model),
          ),
        );
        return {
          loss: value.dataSync()[0],
          grads: Object.fromEntries(Object.entries(grads).map(([k, v]) => [k, [...v.dataSync()]])),
        };
      });
      const moved = model.weights.filter((w) => !w.trainable).map((w) => [...w.read().dataSync()]);
      const restore = (): void => {
        for (const [i, weight] of model.weights.filter((w) => !w.trainable).entries())
          tidy(() => (weight.read() as Variable).assign(tensor(state[i]!, weight.shape as number[])));
      };
      const program = cutModel(model, { at });
      if (at === 'none') expect(program.blocks).toHaveLength(1);
      else expect(program.blocks.length).toBeGreaterThan(1);
      for (const options of [
        {},
        { recompute: () => true },
        { recompute: (i: number) => i % 2 === 0, releaseVariables: true },
      ]) {
        restore();
        const before = memory().numTensors;
        const { loss: value, gradients } = gradientsOf(program, [x], y, loss, mode, options);
        expect(memory().numTensors - before).toBe(gradients.size);
        expect(value).toBe(expected.loss);
        expect(Object.fromEntries([...gradients].map(([v, g]) => [v.name, [...g.dataSync()]]))).toEqual(
          expected.grads,
        );
        dispose([...gradients.values()]);
        expect(model.weights.filter((w) => !w.trainable).map((w) => [...w.read().dataSync()])).toEqual(moved);
      }
      restore();
      const inference = { ...mode, training: false };
      const before = memory().numTensors;
      const [out] = applyProgram(program, [x], inference);
      expect([...out!.dataSync()]).toEqual([
        ...tidy(() => (model.apply(x, { training: false }) as Tensor).dataSync()),
      ]);
      out!.dispose();
      expect(memory().numTensors).toBe(before);
      dispose([x, y]);
      model.dispose();
    },
  );
});

describe('cutModel', () => {
  it('cuts a chain between its layers and a transformer between its halves', () => {
    expect(cutModel(cases['mlp']!.model()).blocks.map(({ name }) => name)).toEqual([
      'dense1',
      'dense2',
      'output',
    ]);
    const names = cutModel(cases['bert with its mask']!.model()).blocks.map(({ name }) => name);
    expect(names.filter((name) => name.startsWith('encoder/layer_1'))).toEqual([
      'encoder/layer_1/attention/self/value…encoder/layer_1/attention/output/dense',
      'encoder/layer_1/attention/output/LayerNorm',
      'encoder/layer_1/intermediate/dense…encoder/layer_1/output/dense',
      'encoder/layer_1/output/LayerNorm',
    ]);
  });

  it('joins blocks until each has the parameters that are asked for', () => {
    const { blocks } = cutModel(cases['mlp']!.model(), { minimumParameters: 40 });
    expect(blocks.map(({ name }) => name)).toEqual(['dense1…dense2', 'output']);
  });

  it('owns a shared variable where it is first used', () => {
    const model = cases['a language model with tied tables']!.model();
    const { blocks, variables } = cutModel(model);
    expect(variables).toHaveLength(trainableVariables(model).length);
    const table = variables.find(({ name }) => name.includes('word_embeddings'));
    expect(blocks.filter(({ shared }) => shared.includes(table!))).toHaveLength(1);
  });

  it('refuses masks of Keras, stateful layers and models that do not learn, naming the layer', () => {
    const masked = sequential({
      layers: [
        layers.embedding({ inputDim: 4, outputDim: 2, inputLength: 3, maskZero: true, name: 'words' }),
        layers.flatten(),
        layers.dense({ units: 1 }),
      ],
    });
    expect(() => cutModel(masked)).toThrow('the layer words makes a mask of Keras');
    const stateful = sequential({
      layers: [
        layers.gru({
          units: 2,
          stateful: true,
          batchInputShape: [1, 2, 2],
          name: 'memory',
          recurrentInitializer: glorot,
        }),
      ],
    });
    expect(() => cutModel(stateful)).toThrow('the layer memory is stateful');
    const frozen = sequential({ layers: [layers.dense({ units: 2, inputShape: [2], trainable: false })] });
    expect(() => cutModel(frozen)).toThrow('no trainable weights');
    expect(() => cutModel(masked, { minimumParameters: -1 })).toThrow(
      'minimumParameters must be ≥ 0, got -1',
    );
  });
});

describe('MicroBatch', () => {
  it('holds less when blocks are run again, and nothing at the end', () => {
    const model = cases['bert with its mask']!.model();
    const program = cutModel(model);
    const { x, y } = batchFor(model, cases['bert with its mask']!);
    const mode = { training: true, random: new Random(2), step: 0 };
    const sizes = [false, true].map((recompute) => {
      const before = memory().numTensors;
      const batch = new MicroBatch(program, [x], mode, { recompute: () => recompute });
      for (const i of program.blocks.keys()) batch.forward(i);
      dispose([...batch.loss(y, lossFunction('crossEntropy'))]);
      const bytes = [...batch.held().values()].reduce((a, b) => a + b);
      batch.dispose();
      expect(memory().numTensors).toBe(before);
      return bytes;
    });
    expect(sizes[1]).toBeLessThan(sizes[0]! / 2);
  });
});
