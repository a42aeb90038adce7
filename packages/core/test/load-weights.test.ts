import { memory, tidy, type Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';
import { readNpz, type NamedArray } from '@ockham/core/files';
import { evaluate } from '@ockham/core/metrics';
import { loadWeights, pytorchResnet, resnet, resnet20, type WeightNaming } from '@ockham/core/models';
import { folder, records, tfjsModel } from './pretrained.ts';

const made: tf.LayersModel[] = [];
const keep = <M extends tf.LayersModel>(model: M): M => (made.push(model), model);
afterEach(() => {
  for (const model of made.splice(0)) model.dispose();
});

const sameNames: WeightNaming = (layer, weight) => ({ name: `${layer.name}.${weight}` });
const array = (shape: number[], from = 0): NamedArray => ({
  shape,
  values: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + from),
});

describe('loadWeights', () => {
  const dense = () =>
    keep(tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3], name: 'd' })] }));

  it('transposes filters, dense kernels and depthwise filters from PyTorch’s order', async () => {
    const model = keep(
      tf.sequential({
        layers: [
          tf.layers.conv2d({ name: 'c', filters: 2, kernelSize: [2, 3], inputShape: [4, 4, 3] }),
          tf.layers.depthwiseConv2d({ name: 'w', kernelSize: [2, 1], depthMultiplier: 2, useBias: false }),
          tf.layers.dense({ name: 'd', units: 5, useBias: false }),
        ],
      }),
    );
    const arrays = new Map([
      ['c.weight', array([2, 3, 2, 3])],
      ['c.bias', array([2], 7)],
      ['w.weight', array([4, 1, 2, 1])],
      ['d.weight', array([5, 4])],
    ]);
    const naming: WeightNaming = (layer, weight) =>
      weight === 'bias'
        ? { name: `${layer.name}.bias` }
        : { name: `${layer.name}.weight`, layout: ({ c: 'oihw', w: 'cmhw', d: 'oi' } as const)[layer.name]! };
    const before = memory().numTensors;
    expect(loadWeights(model, arrays, { naming })).toEqual(['c.weight', 'c.bias', 'w.weight', 'd.weight']);
    expect(memory().numTensors).toBe(before);
    const [c, bias, w, d] = model.weights.map((weight) => weight.read());
    const at = (t: Tensor, ...index: number[]) => t.bufferSync().get(...index);
    expect(at(c!, 1, 2, 0, 1)).toBe(((1 * 3 + 0) * 2 + 1) * 3 + 2); // out 1, in 0, row 1, column 2
    expect([...bias!.dataSync()]).toEqual([7, 8]);
    expect(at(w!, 1, 0, 1, 0)).toBe((1 * 2 + 0) * 2 + 1); // channel 1, multiplier 0, row 1
    expect(at(d!, 3, 2)).toBe(2 * 4 + 3); // in 3, out 2
  });

  it('lists everything that does not fit and loads nothing', async () => {
    const model = dense();
    const before = [...model.weights[0]!.read().dataSync()];
    expect(() => loadWeights(model, new Map([['d.kernel', array([2, 2])]]), { naming: sameNames })).toThrow(
      /nothing was loaded. 2 problems: d.kernel must be \[3, 2\], got \[2, 2\]; d.bias is missing/,
    );
    const tooMany = new Map([
      ['d.kernel', array([3, 2])],
      ['d.bias', array([2])],
      ['e.kernel', array([1])],
      ['bn.num_batches_tracked', array([])],
    ]);
    expect(() => loadWeights(model, tooMany, { naming: sameNames })).toThrow(
      /1 problems: e.kernel is unknown/,
    );
    expect(() => loadWeights(model, tooMany, { naming: () => undefined })).toThrow(
      /no source is named for d\/kernel/,
    );
    expect([...model.weights[0]!.read().dataSync()]).toEqual(before);
    expect(loadWeights(model, tooMany, { naming: sameNames, ignore: /^e|tracked/ })).toEqual([
      'd.kernel',
      'd.bias',
    ]);
  });

  it('names each weight of a ResNet as PyTorch does', () => {
    const model = keep(resnet({ depth: 8, shortcut: 'B' }));
    const names = model.layers.flatMap((layer) =>
      layer.weights.map((w) => pytorchResnet(layer, w.originalName.split('/').at(-1)!)!),
    );
    expect(names).toEqual(
      expect.arrayContaining([
        { name: 'conv1.weight', layout: 'oihw' },
        { name: 'bn1.running_var' },
        { name: 'layer2.0.conv2.weight', layout: 'oihw' },
        { name: 'layer2.0.shortcut.0.weight', layout: 'oihw' },
        { name: 'layer3.0.shortcut.1.bias' },
        { name: 'linear.weight', layout: 'oi' },
        { name: 'linear.bias' },
      ]),
    );
    expect(new Set(names.map(({ name }) => name)).size).toBe(names.length);
  });
});

describe.runIf(folder)('published weights', () => {
  it('give ResNet-20 the accuracy that their source states', { timeout: 120_000 }, async () => {
    const model = keep(resnet20());
    loadWeights(model, await readNpz(await records.npz()), { naming: pytorchResnet });
    const train = await records.cifar('data_batch_1_first4000.bin.gz', 1000, true);
    expect((await evaluate(model, train, { batchSize: 250 })).accuracy).toBe(0.999);
    const test = await records.cifar('test_2000_jpegdecoded.bin.gz', 1000, true);
    expect((await evaluate(model, test, { batchSize: 250 })).accuracy).toBe(0.805);
  });

  it.each([
    ['tfjs-mnist', 'mnist', 0.9569],
    ['tfjs-fashion-mnist', 'fashion-mnist', 0.8383],
  ])('load as they are: %s', async (model, data, accuracy) => {
    const loaded = keep(await tfjsModel(model));
    const before = memory().numTensors;
    expect((await evaluate(loaded, await records.idx(data))).accuracy).toBe(accuracy);
    expect(memory().numTensors).toBe(before);
    expect(tidy(() => (loaded.predict(tf.zeros([1, 28, 28, 1])) as Tensor).shape)).toEqual([1, 10]);
  });

  it('load as they are: tfjs-cifar-10', { timeout: 120_000 }, async () => {
    const loaded = keep(await tfjsModel('tfjs-cifar-10'));
    const train = await records.cifar('data_batch_1_first4000.bin.gz', 500, false);
    expect((await evaluate(loaded, train)).accuracy).toBe(0.982);
    const test = await records.cifar('test_2000_jpegdecoded.bin.gz', 500, false);
    expect((await evaluate(loaded, test)).accuracy).toBe(0.776);
  });
});
