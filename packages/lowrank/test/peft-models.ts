import { readFile } from 'node:fs/promises';
import { add, layers, sequential, tensor, tidy, type LayersModel, type Tensor } from '@tensorflow/tfjs';
import { readSafetensors } from '@ockham/core/files';
import { bert, pytorchBert, type WeightNaming } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { flatLayers, trainableVariables, variableOf } from '@ockham/core/training';
import { applyLora, type LoraOptions } from '../src/index.ts';
import { fromFile, weightNameOf } from '../src/lora/peft-layout.ts';
import { lastName } from '../src/lora/targets.ts';

export const fixtures = new URL('fixtures/peft/', import.meta.url);

/** The bases of `peft_adapters.py`. */
export type BaseName = 'texts' | 'images' | 'bert';

export const namingOf = (name: BaseName): WeightNaming | undefined =>
  name === 'bert' ? pytorchBert() : undefined;

const builders: Readonly<Record<BaseName, () => LayersModel>> = {
  texts: () =>
    sequential({
      name: 'texts',
      layers: [
        layers.embedding({ name: 'words', inputDim: 12, outputDim: 6, inputLength: 7 }),
        layers.conv1d({ name: 'window', filters: 5, kernelSize: 3, padding: 'same', activation: 'relu' }),
        layers.globalAveragePooling1d({}),
        layers.dense({ name: 'hidden', units: 8, activation: 'relu' }),
        layers.dense({ name: 'output', units: 3 }),
      ],
    }),
  images: () =>
    sequential({
      name: 'images',
      layers: [
        layers.conv2d({
          name: 'filters',
          inputShape: [6, 6, 2],
          filters: 4,
          kernelSize: 3,
          activation: 'relu',
        }),
        layers.globalAveragePooling2d({}),
        layers.dense({ name: 'output', units: 3 }),
      ],
    }),
  bert: () =>
    bert({
      layers: 2,
      hidden: 16,
      heads: 2,
      intermediate: 32,
      vocabulary: 30,
      positions: 8,
      length: 8,
      output: 'logits',
      dropout: 0,
      attentionDropout: 0,
    }),
};

/** A base with the weights that PyTorch wrote. */
export async function loadBase(name: BaseName): Promise<LayersModel> {
  const model = builders[name]();
  const arrays = readSafetensors(await readFile(new URL(`bases/${name}.safetensors`, fixtures)));
  for (const layer of flatLayers(model)) {
    for (const weight of layer.weights) {
      const own = lastName(weight.originalName);
      const { values, shape } = arrays.get(weightNameOf(layer.name, layer, own, namingOf(name)))!;
      tidy(() => {
        const array = tensor(values as Float32Array, [...shape]);
        variableOf(weight).assign(own === 'kernel' ? fromFile(array) : array);
      });
    }
  }
  return model;
}

/** What `peft_adapters.py` feeds a base with; the caller disposes of it. */
export async function inputOf(name: BaseName): Promise<Tensor> {
  const inputs = JSON.parse(await readFile(new URL('inputs.json', fixtures), 'utf8')) as Record<
    BaseName,
    number[]
  >;
  return tensor(inputs[name], undefined, name === 'images' ? 'float32' : 'int32');
}

/** Adapters that this package writes for PEFT to read: the base, and how it is adapted. */
export const ours: Readonly<Record<string, readonly [BaseName, LoraOptions]>> = {
  'texts-embedding': ['texts', { targets: ['words', 'window', 'hidden'], rank: 3, alpha: 6 }],
  'texts-dora': ['texts', { targets: ['window', 'output'], rank: 2, alpha: 3, dora: true }],
  'images-pissa': [
    'images',
    { targets: ['filters', 'output'], rank: 2, alpha: 4, init: 'pissa', rsLora: true },
  ],
  'bert-heads': [
    'bert',
    {
      targets: /query|value/,
      trainable: 'classifier',
      rank: ({ path }) => (path.includes('layer_1') ? 2 : 3),
      alpha: 4,
      heads: 2,
    },
  ],
};

/** Adapts a base and moves all that trains by seeded noise, the same on every engine. */
export function adaptOurs(base: LayersModel, options: LoraOptions): LayersModel {
  const adapted = applyLora(base, { seed: 5, ...options });
  const random = new Random(11);
  for (const variable of trainableVariables(adapted)) {
    const noise = Float32Array.from({ length: variable.size }, () => random.normal(0, 0.3));
    tidy(() => variable.assign(add(variable, tensor(noise, variable.shape))));
  }
  return adapted;
}
