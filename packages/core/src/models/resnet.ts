/**
 * Residual networks for 32×32 images.
 *
 * Source: He, Zhang, Ren and Sun 2015, "Deep residual learning for image recognition", section 4.2 (the CIFAR
 * networks of depth 6n + 2) and table 1 (ResNet-18, with the 3×3 stem that is usual on 32×32).
 * Deviations: none. A stride-2 convolution pads one pixel on every side, so that weights published for PyTorch
 * fit; TensorFlow's `same` would pad on one side only.
 */
import {
  initializers,
  input,
  layers,
  model,
  type LayersModel,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { ArgumentError } from '../errors.ts';
import {
  checkInputShape,
  checkInteger,
  layerSeeds,
  outputActivation,
  type LayerSeeds,
  type ModelOptions,
} from './model-options.ts';
import { PadChannels } from './pad-channels.ts';

/** Options of the residual networks. */
export interface ResnetOptions extends ModelOptions {
  /** Number of weighted layers, 6n + 2: 20, 32, 44, 56, 110, … Default 20. */
  readonly depth?: number;
  /**
   * Shortcut where the width doubles: `A` takes every second pixel and adds zero channels (no weights), `B` is
   * a 1×1 convolution with batch normalisation. Default `A`, the paper's for CIFAR.
   */
  readonly shortcut?: 'A' | 'B';
}

/** One residual network: stages of blocks, each stage after the first at half the resolution. */
interface Plan {
  readonly name: string;
  readonly widths: readonly number[];
  readonly blocksPerStage: number;
  readonly shortcut: 'A' | 'B';
}

/**
 * The CIFAR ResNet of depth 6n + 2: three stages of 16, 32 and 64 channels. Depth 20 has 269,722 trainable
 * parameters with shortcut `A`. Default `inputShape` `[32, 32, 3]`.
 *
 * Layers are named `conv1`, `bn1`, `stage1_block1_conv1`, …, `output`.
 *
 * @throws ArgumentError for an option out of range.
 */
export function resnet(options: ResnetOptions = {}): LayersModel {
  const { depth = 20, shortcut = 'A' } = options;
  if (!Number.isInteger(depth) || depth < 8 || (depth - 2) % 6 !== 0) {
    throw new ArgumentError(`resnet: depth must be 6n + 2 with n ≥ 1 (20, 32, 44, 56, …), got ${depth}.`);
  }
  if (shortcut !== 'A' && shortcut !== 'B') {
    throw new ArgumentError(`resnet: shortcut must be 'A' or 'B', got '${String(shortcut)}'.`);
  }
  const plan = { name: `resnet${depth}`, widths: [16, 32, 64], blocksPerStage: (depth - 2) / 6, shortcut };
  return residualNetwork('resnet', plan, options);
}

/** {@link resnet} of depth 20. */
export function resnet20(options: Omit<ResnetOptions, 'depth'> = {}): LayersModel {
  return resnet({ ...options, depth: 20 });
}

/**
 * ResNet-18 for 32×32: a 3×3 stem without pooling, four stages of 64 to 512 channels, shortcut `B`; 11,173,962
 * trainable parameters. Default `inputShape` `[32, 32, 3]`.
 *
 * @throws ArgumentError for an option out of range.
 */
export function resnet18(options: ModelOptions = {}): LayersModel {
  const plan: Plan = { name: 'resnet18', widths: [64, 128, 256, 512], blocksPerStage: 2, shortcut: 'B' };
  return residualNetwork('resnet18', plan, options);
}

function residualNetwork(who: string, plan: Plan, options: ModelOptions): LayersModel {
  const { inputShape = [32, 32, 3], classes = 10, seed = 0, output = 'softmax' } = options;
  checkInputShape(who, inputShape, 3);
  checkInteger(who, 'classes', classes, 2);
  const activation = outputActivation(who, output);
  const seeds = layerSeeds(seed);

  const image = input({ shape: [...inputShape], name: 'image' });
  let x = convolution(image, 'conv1', { filters: plan.widths[0]!, stride: 1 }, seeds);
  x = relu(normalisation(x, 'bn1'), 'relu1');
  for (const [s, width] of plan.widths.entries()) {
    for (let b = 0; b < plan.blocksPerStage; b++) {
      const stride = s > 0 && b === 0 ? 2 : 1;
      x = block(x, `stage${s + 1}_block${b + 1}`, width, stride, plan.shortcut, seeds);
    }
  }
  x = layers.globalAveragePooling2d({ name: 'pool', dataFormat: 'channelsLast' }).apply(x) as SymbolicTensor;
  const dense = layers.dense({
    name: 'output',
    units: classes,
    activation,
    kernelInitializer: initializers.glorotUniform({ seed: seeds('output') }),
  });
  return model({ name: plan.name, inputs: image, outputs: dense.apply(x) as SymbolicTensor });
}

/** Two 3×3 convolutions around a shortcut: `relu(F(x) + shortcut(x))`. */
function block(
  x: SymbolicTensor,
  name: string,
  filters: number,
  stride: number,
  shortcut: 'A' | 'B',
  seeds: LayerSeeds,
): SymbolicTensor {
  let body = convolution(x, `${name}_conv1`, { filters, stride }, seeds);
  body = relu(normalisation(body, `${name}_bn1`), `${name}_relu1`);
  body = convolution(body, `${name}_conv2`, { filters, stride: 1 }, seeds);
  body = normalisation(body, `${name}_bn2`);
  const added = filters - x.shape.at(-1)!;
  const skip =
    added === 0 ? x : shortcut === 'A' ? optionA(x, name, added) : optionB(x, name, filters, seeds);
  const sum = layers.add({ name: `${name}_add` }).apply([body, skip]) as SymbolicTensor;
  return relu(sum, `${name}_relu2`);
}

function optionA(x: SymbolicTensor, name: string, added: number): SymbolicTensor {
  const everySecond = layers.averagePooling2d({ name: `${name}_subsample`, poolSize: 1, strides: 2 });
  const before = Math.floor(added / 2);
  const padding = new PadChannels({ name: `${name}_pad_channels`, before, after: added - before });
  return padding.apply(everySecond.apply(x)) as SymbolicTensor;
}

function optionB(x: SymbolicTensor, name: string, filters: number, seeds: LayerSeeds): SymbolicTensor {
  const projected = convolution(x, `${name}_shortcut_conv`, { filters, stride: 2, kernelSize: 1 }, seeds);
  return normalisation(projected, `${name}_shortcut_bn`);
}

function convolution(
  x: SymbolicTensor,
  name: string,
  { filters, stride, kernelSize = 3 }: { filters: number; stride: number; kernelSize?: number },
  seeds: LayerSeeds,
): SymbolicTensor {
  const padded = stride > 1 && kernelSize > 1;
  const from: SymbolicTensor = padded
    ? (layers.zeroPadding2d({ name: `${name}_pad`, padding: 1 }).apply(x) as SymbolicTensor)
    : x;
  const conv = layers.conv2d({
    name,
    filters,
    kernelSize,
    strides: stride,
    padding: padded ? 'valid' : 'same',
    useBias: false,
    kernelInitializer: initializers.heNormal({ seed: seeds(name) }),
  });
  return conv.apply(from) as SymbolicTensor;
}

function normalisation(x: SymbolicTensor, name: string): SymbolicTensor {
  return layers.batchNormalization({ name, momentum: 0.9, epsilon: 1e-5 }).apply(x) as SymbolicTensor;
}

function relu(x: SymbolicTensor, name: string): SymbolicTensor {
  return layers.activation({ name, activation: 'relu' }).apply(x) as SymbolicTensor;
}
