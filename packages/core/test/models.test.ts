import { memory, ones, tensor, tidy, type Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  alexnet32,
  cloneModel,
  lenet300100,
  lenet5,
  mlp,
  PadChannels,
  resnet,
  resnet18,
  resnet20,
  tableOneCnn,
  vgg,
} from '@ockham/core/models';
import { trainableVariables, variableOf } from '@ockham/core/training';

const made: tf.LayersModel[] = [];
const keep = <M extends tf.LayersModel>(model: M): M => (made.push(model), model);

afterEach(() => {
  for (const model of made.splice(0)) model.dispose();
});

async function valuesOf(model: tf.LayersModel): Promise<number[][]> {
  return Promise.all(model.weights.map(async (weight) => [...(await weight.read().data())]));
}

describe('the networks on MNIST', () => {
  it('have the parameter counts of the papers', () => {
    expect(keep(tableOneCnn()).countParams()).toBe(34_826);
    expect(keep(lenet5()).countParams()).toBe(430_500 + 580);
    expect(keep(lenet300100()).countParams()).toBe(266_200 + 410);
  });

  it('give the same bits for the same seed and other weights for another', async () => {
    const a = await valuesOf(keep(tableOneCnn({ seed: 3 })));
    expect(await valuesOf(keep(tableOneCnn({ seed: 3 })))).toEqual(a);
    const other = await valuesOf(keep(tableOneCnn({ seed: 4 })));
    expect(other[0]).not.toEqual(a[0]);
    expect(a[0]!.slice(0, 5)).not.toEqual(a[2]!.slice(0, 5));
  });

  it('return probabilities, or logits when asked', () => {
    const sums = (output: 'softmax' | 'logits') =>
      tidy(() =>
        (keep(tableOneCnn({ output, seed: 1 })).predict(ones([2, 28, 28, 1])) as Tensor).sum(-1).dataSync(),
      );
    for (const sum of sums('softmax')) expect(sum).toBeCloseTo(1, 5);
    expect(Math.abs(sums('logits')[0]! - 1)).toBeGreaterThan(1e-3);
  });

  it('name their layers the same every time', () => {
    const names = () => keep(lenet5()).layers.map((layer) => layer.name);
    expect(names()).toEqual(['conv1', 'pool1', 'conv2', 'pool2', 'flatten', 'dense1', 'output']);
    expect(names()).toEqual(names());
  });

  it('refuse options out of range before anything is made', () => {
    const before = memory().numTensors;
    expect(() => tableOneCnn({ classes: 1 })).toThrow(/tableOneCnn: classes must be an integer ≥ 2, got 1/);
    expect(() => tableOneCnn({ dropout: 1 })).toThrow(/dropout must be in \[0, 1\)/);
    expect(() => tableOneCnn({ inputShape: [28, 28] })).toThrow(/\[height, width, channels\]/);
    expect(() => tableOneCnn({ inputShape: [9, 28, 1] })).toThrow(/at least 10×10, got 9×28/);
    expect(() => lenet5({ inputShape: [15, 15, 1] })).toThrow(/at least 16×16/);
    expect(() => mlp({ units: [3, 0] })).toThrow(/units\[1\] must be an integer ≥ 1, got 0/);
    expect(() => mlp({ units: 3 as never })).toThrow(/array of layer widths/);
    expect(() => tableOneCnn({ output: 'sigmoid' as never })).toThrow(/'softmax' or 'logits'/);
    expect(() => tableOneCnn({ seed: 0.5 })).toThrow(/safe integer/);
    expect(memory().numTensors).toBe(before);
  });

  it('build on the smallest image that is said to fit', () => {
    expect(keep(tableOneCnn({ inputShape: [10, 10, 1] })).outputs[0]!.shape).toEqual([null, 10]);
    expect(keep(lenet5({ inputShape: [16, 16, 1] })).outputs[0]!.shape).toEqual([null, 10]);
  });
});

describe('mlp', () => {
  it('is a linear classifier without hidden layers', () => {
    const model = keep(mlp({ inputShape: [4], units: [], classes: 3 }));
    expect(model.countParams()).toBe(4 * 3 + 3);
  });

  it('puts a dropout layer after each hidden layer when asked', () => {
    const model = keep(mlp({ inputShape: [4], units: [5, 6], dropout: 0.1 }));
    expect(model.layers.map((l) => l.name)).toEqual(['dense1', 'dropout1', 'dense2', 'dropout2', 'output']);
  });
});

describe('cloneModel', () => {
  it('copies weights to the bit onto variables of its own', async () => {
    const model = keep(tableOneCnn({ seed: 2 }));
    const copy = keep(await cloneModel(model));
    const before = await valuesOf(model);
    expect(await valuesOf(copy)).toEqual(before);
    expect(copy.layers.map((layer) => layer.name)).toEqual(model.layers.map((layer) => layer.name));
    tidy(() => copy.setWeights(copy.getWeights().map((w) => w.mul(2).add(1))));
    expect(await valuesOf(model)).toEqual(before);
  });

  it('leaks nothing, and outlives the original', async () => {
    const before = memory().numTensors;
    const model = mlp({ inputShape: [3], units: [4], seed: 1 });
    const copy = await cloneModel(model);
    expect(memory().numTensors).toBe(before + 8);
    model.dispose();
    expect(tidy(() => (copy.predict(ones([1, 3])) as Tensor).dataSync().length)).toBe(10);
    copy.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('keeps trainable flags of layers and of single weights, and the values with them', async () => {
    const model = keep(mlp({ inputShape: [3], units: [3, 3], classes: 3, seed: 5 }));
    model.layers[0]!.trainable = false;
    model.layers[1]!.weights[0]!.trainable = false; // the order of weights changes with the flag
    const copy = keep(await cloneModel(model));
    const flags = (m: tf.LayersModel) =>
      m.layers.map((l) => [l.trainable, l.weights.map((w) => [w.originalName, w.trainable])]);
    expect(flags(copy)).toEqual(flags(model));
    expect(await valuesOf(copy)).toEqual(await valuesOf(model));
    expect(copy.trainableWeights.length).toBe(3);
  });

  it('copies nested, shared and branching topologies', async () => {
    const input = tf.input({ shape: [4] });
    const inner = tf.sequential({
      layers: [tf.layers.dense({ units: 4, inputShape: [4] }), tf.layers.batchNormalization()],
    });
    const shared = tf.layers.dense({ units: 4, activation: 'tanh' });
    const a = shared.apply(inner.apply(input)) as tf.SymbolicTensor;
    const b = shared.apply(a) as tf.SymbolicTensor;
    const sum = tf.layers.add().apply([a, b]) as tf.SymbolicTensor;
    const model = keep(tf.model({ inputs: input, outputs: [sum, b] }));
    inner.layers[1]!.trainable = false;
    const copy = keep(await cloneModel(model));
    const outputs = (m: tf.LayersModel) =>
      tidy(() => (m.predict(tensor([[1, 2, 3, 4]])) as Tensor[]).map((t) => [...t.dataSync()]));
    expect(outputs(copy)).toEqual(outputs(model));
    expect(copy.weights.length).toBe(model.weights.length);
    expect(copy.trainableWeights.length).toBe(model.trainableWeights.length);
  });

  it('does not re-apply a constraint to what it copies', async () => {
    const model = keep(
      tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [2], kernelConstraint: 'nonNeg' })] }),
    );
    variableOf(model.weights[0]!).assign(tensor([[-1, 2], [3, -4]])); // prettier-ignore
    const copy = keep(await cloneModel(model));
    expect([...copy.weights[0]!.read().dataSync()]).toEqual([-1, 2, 3, -4]);
  });

  it('equals the original on random perceptrons', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
        fc.integer({ min: 0, max: 1000 }),
        async (units, seed) => {
          const model = mlp({ inputShape: [3], units, classes: 2, seed });
          const copy = await cloneModel(model);
          expect(await valuesOf(copy)).toEqual(await valuesOf(model));
          model.dispose();
          copy.dispose();
        },
      ),
      { numRuns: 20 },
    );
  });

  it('refuses an empty model, a disposed one and an unregistered layer', async () => {
    await expect(cloneModel(tf.sequential())).rejects.toThrow(/must have layers/);
    const gone = mlp({ inputShape: [2], units: [] });
    gone.dispose();
    await expect(cloneModel(gone)).rejects.toThrow(/was disposed/);

    class Unregistered extends tf.layers.Layer {
      static className = 'Unregistered';
      override call(x: Tensor | Tensor[]): Tensor | Tensor[] {
        return x;
      }
    }
    const model = keep(
      tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [2] }), new Unregistered({})] }),
    );
    const before = memory().numTensors;
    await expect(cloneModel(model)).rejects.toThrow(/Unregistered.*registerClass/s);
    expect(memory().numTensors).toBe(before);
  });
});

describe('the networks on 32×32 images', () => {
  const trainable = (model: tf.LayersModel) =>
    keep(model).trainableWeights.reduce((total, weight) => total + weight.read().size, 0);

  it('have the published numbers of trainable parameters', () => {
    expect(trainable(resnet20())).toBe(269_722);
    expect(trainable(resnet({ depth: 32 }))).toBe(464_154);
    expect(trainable(resnet({ depth: 56 }))).toBe(853_018);
    expect(trainable(alexnet32())).toBe(2_472_266);
  });

  it('have them for the large ones too', () => {
    // counts do not depend on the values, and 35 million normal numbers take seconds
    const scaled = Object.getPrototypeOf(Object.getPrototypeOf(tf.initializers.heNormal({}))) as {
      apply(shape: number[]): Tensor;
    };
    vi.spyOn(scaled, 'apply').mockImplementation((shape) => tf.zeros(shape));
    expect(trainable(resnet18())).toBe(11_173_962);
    made.pop()!.dispose();
    expect(trainable(vgg({ depth: 11 }))).toBe(9_231_114);
    made.pop()!.dispose();
    expect(trainable(vgg({ depth: 16 }))).toBe(14_728_266);
    made.pop()!.dispose();
    expect(trainable(vgg({ depth: 19 }))).toBe(20_040_522);
    expect(trainable(vgg({ depth: 11, width: 0.25 }))).toBe(579_786);
  });

  it('add a 1×1 convolution and normalisation where the width doubles, with shortcut B', () => {
    const b = trainable(resnet({ depth: 8, shortcut: 'B' })) - trainable(resnet({ depth: 8, shortcut: 'A' }));
    expect(b).toBe(16 * 32 + 2 * 32 + 32 * 64 + 2 * 64);
  });

  it('run, save, load and clone with their custom layer', async () => {
    const model = keep(resnet({ depth: 8, seed: 1, inputShape: [8, 8, 3] }));
    const x = tf.randomNormal([2, 8, 8, 3], 0, 1, 'float32', 5);
    const outputs = (m: tf.LayersModel) => [...tidy(() => (m.predict(x) as Tensor).dataSync())];
    let artifacts: tf.io.ModelArtifacts | undefined;
    await model.save(
      tf.io.withSaveHandler(
        async (a) => ((artifacts = a), { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(a) }),
      ),
    );
    const loaded = keep(await tf.loadLayersModel(tf.io.fromMemory(artifacts!)));
    expect(outputs(loaded)).toEqual(outputs(model));
    expect(outputs(keep(await cloneModel(model)))).toEqual(outputs(model));
    expect(loaded.getLayer('stage2_block1_pad_channels').getConfig()).toMatchObject({ before: 8, after: 8 });
    x.dispose();
  });

  it('learn: every weight gets a gradient', () => {
    const model = keep(resnet({ depth: 8, seed: 1, inputShape: [8, 8, 3], classes: 3 }));
    tidy(() => {
      const x = tf.randomNormal([4, 8, 8, 3], 0, 1, 'float32', 5);
      const loss = () => tf.sum<tf.Scalar>(tf.square(model.apply(x, { training: true }) as Tensor));
      const { grads } = tf.variableGrads(loss, trainableVariables(model));
      for (const [name, grad] of Object.entries(grads)) {
        const size = grad.abs().max().dataSync()[0]!;
        expect(Number.isFinite(size), name).toBe(true);
        if (name.includes('kernel')) expect(size, name).toBeGreaterThan(0);
      }
      expect(Object.keys(grads).length).toBe(model.trainableWeights.length);
    });
  });

  it('refuse what they are not made for', () => {
    expect(() => resnet({ depth: 21 })).toThrow(/6n \+ 2.*got 21/);
    expect(() => resnet({ shortcut: 'C' as never })).toThrow(/'A' or 'B', got 'C'/);
    expect(() => vgg({ depth: 13 as never })).toThrow(/11, 16 or 19, got 13/);
    expect(() => vgg({ width: 0 })).toThrow(/width must be a fraction > 0, got 0/);
    expect(() => vgg({ inputShape: [31, 32, 3] })).toThrow(/at least 32×32, got 31×32/);
    expect(() => alexnet32({ inputShape: [28, 28, 3] })).toThrow(/at least 29×29/);
  });

  it('build on the smallest AlexNet image', () => {
    expect(keep(alexnet32({ inputShape: [29, 29, 3] })).outputs[0]!.shape).toEqual([null, 10]);
  });
});

describe('PadChannels', () => {
  it('puts zeros on both sides of the channels, for any rank', () => {
    const layer = new PadChannels({ before: 1, after: 2 });
    tidy(() => {
      expect((layer.apply(tensor([[[3, 4]]])) as Tensor).arraySync()).toEqual([[[0, 3, 4, 0, 0]]]);
      expect((layer.apply(tensor([[5, 6]])) as Tensor).arraySync()).toEqual([[0, 5, 6, 0, 0]]);
    });
    expect(layer.computeOutputShape([null, 8, 8, 2])).toEqual([null, 8, 8, 5]);
  });

  it('says where its channels come from, and finds its configuration back after some went', () => {
    const layer = new PadChannels({ before: 2, after: 1 });
    expect(layer.channelMapping(3)).toEqual([-1, -1, 0, 1, 2, -1]);
    expect(layer.configForMapping([-1, 0, 1], 2)).toEqual({ before: 1, after: 0 });
    expect(layer.configForMapping([-1, -1], 0)).toEqual({ before: 2, after: 0 });
    expect(() => layer.configForMapping([0, -1, 1], 2)).toThrow(/in order between zero channels/);
    expect(() => layer.configForMapping([0, 1], 3)).toThrow(/in order between zero channels/);
  });

  it('refuses a negative width', () => {
    expect(() => new PadChannels({ before: -1, after: 0 })).toThrow(/before must be an integer ≥ 0/);
  });
});
