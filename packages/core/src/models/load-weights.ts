import { tensor, tidy, transpose, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError } from '../errors.ts';
import type { NamedArray } from '../files/named-array.ts';
import { flatLayers, variableOf, type Layer } from '../training/layers.ts';
import { checkModel } from './check-model.ts';

type LayerWeight = Layer['weights'][number];

/** Where a weight's values are, and how their axes lie there. */
export interface WeightSource {
  /** The array's name in the file. */
  readonly name: string;
  /**
   * `same` as ours; `oihw`, a convolution filter `[out, in, height, width]`; `oi`, a dense kernel `[out, in]`;
   * `cmhw`, a depthwise filter `[channels · multiplier, 1, height, width]`. Default `same`.
   */
  readonly layout?: 'same' | 'oihw' | 'oi' | 'cmhw';
}

/** Names the source of weight `weight` (`kernel`, `bias`, `gamma`, …) of a layer; undefined where there is none. */
export type WeightNaming = (layer: Layer, weight: string) => WeightSource | undefined;

/** Options of {@link loadWeights}. */
export interface LoadWeightsOptions {
  /** Says where each weight comes from, for example {@link pytorchResnet}. */
  readonly naming: WeightNaming;
  /** Names in the file that may stay unused. Default PyTorch's batch counters, `/num_batches_tracked$/`. */
  readonly ignore?: RegExp;
}

/**
 * Loads weights from elsewhere into a model, by name. All or nothing: when a name is missing, unknown or of the
 * wrong shape, the error lists every such name and the model is as before.
 *
 * @param arrays What `readNpz` or `readSafetensors` of `@ockham/core/files` returns.
 * @returns The names that were read.
 * @throws ArgumentError listing what does not fit.
 *
 * @example
 * loadWeights(resnet20(), await readNpz(bytes), { naming: pytorchResnet });
 */
export function loadWeights(
  model: LayersModel,
  arrays: ReadonlyMap<string, NamedArray>,
  options: LoadWeightsOptions,
): string[] {
  checkModel('loadWeights', model);
  const { naming, ignore = /num_batches_tracked$/ } = options;
  const plan: { weight: LayerWeight; source: Required<WeightSource> }[] = [];
  const problems: string[] = [];
  for (const layer of flatLayers(model)) {
    for (const weight of layer.weights) {
      const source = naming(layer, weight.originalName.split('/').at(-1)!);
      if (!source) {
        problems.push(`no source is named for ${weight.originalName}`);
        continue;
      }
      const { name, layout = 'same' } = source;
      const array = arrays.get(name);
      const wanted = shapeInFile(weight.shape as number[], layout);
      if (!array) problems.push(`${name} is missing (for ${weight.originalName})`);
      else if (String(array.shape) !== String(wanted)) {
        problems.push(`${name} must be [${wanted.join(', ')}], got [${array.shape.join(', ')}]`);
      } else plan.push({ weight, source: { name, layout } });
    }
  }
  const used = new Set(plan.map(({ source }) => source.name));
  const named = problems.length === 0; // a naming that fits leaves nothing over; else this would repeat it
  for (const name of arrays.keys()) {
    if (named && !used.has(name) && !ignore.test(name))
      problems.push(`${name} is unknown: no weight takes it`);
  }
  if (problems.length > 0) {
    throw new ArgumentError(
      `loadWeights: the arrays do not fit the model ${model.name}; nothing was loaded. ${problems.length} problems: ${problems.join('; ')}.`,
    );
  }
  for (const { weight, source } of plan) {
    tidy(() => variableOf(weight).assign(fromFile(arrays, source, weight.shape as number[])));
  }
  return plan.map(({ source }) => source.name);
}

/**
 * The names of PyTorch's CIFAR ResNets (`layer1.0.conv1.weight`, `…shortcut.0.weight`, `linear.weight`) for
 * `resnet` and `resnet18`.
 */
export const pytorchResnet: WeightNaming = (layer, weight) => {
  const block = /^stage(\d+)_block(\d+)_(.+)$/.exec(layer.name);
  const module = block
    ? `layer${block[1]}.${Number(block[2]) - 1}.${PYTORCH_MODULES[block[3]!] ?? block[3]}`
    : (PYTORCH_MODULES[layer.name] ?? layer.name);
  const name = `${module}.${PYTORCH_WEIGHTS[weight] ?? weight}`;
  if (weight !== 'kernel') return { name };
  return { name, layout: layer.getClassName() === 'Dense' ? 'oi' : 'oihw' };
};

const PYTORCH_MODULES: Readonly<Record<string, string>> = {
  shortcut_conv: 'shortcut.0',
  shortcut_bn: 'shortcut.1',
  output: 'linear',
};

const PYTORCH_WEIGHTS: Readonly<Record<string, string>> = {
  kernel: 'weight',
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
};

function shapeInFile(shape: readonly number[], layout: Required<WeightSource>['layout']): number[] {
  const [a, b, c, d] = shape as [number, number, number, number];
  switch (layout) {
    case 'oihw':
      return [d, c, a, b];
    case 'oi':
      return [b, a];
    case 'cmhw':
      return [c * d, 1, a, b];
    case 'same':
      return [...shape];
  }
}

function fromFile(
  arrays: ReadonlyMap<string, NamedArray>,
  source: Required<WeightSource>,
  shape: readonly number[],
): Tensor {
  const { values } = arrays.get(source.name)!;
  const [h, w, c, m] = shape as [number, number, number, number];
  const given = (as: readonly number[]) =>
    tensor(Float32Array.from(values as Iterable<number | bigint>, Number), [...as]);
  switch (source.layout) {
    case 'oihw':
      return transpose(given([m, c, h, w]), [2, 3, 1, 0]);
    case 'oi':
      return transpose(given([w, h]), [1, 0]);
    case 'cmhw':
      return transpose(given([c, m, h, w]), [2, 3, 0, 1]);
    case 'same':
      return given(shape);
  }
}
