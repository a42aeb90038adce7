/** Models whose large weights are held packed. */
import { ArgumentError } from '@ockham/core';
import { fromFloat16, fromFloat16Bits, toFloat16, toFloat16Bits } from '@ockham/core/files';
import { layerPaths, replaceLayers, type NewLayer } from '@ockham/core/graph';
import { variableOf } from '@ockham/core/training';
import { tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { disposeModel } from '../tensor/split-model.ts';
import { QuantizedLayer } from './layers/quantized-layer.ts';
import { shapeConfig, shapeOf } from './layers/matrix-shape.ts';
import { denseRows } from './dense-rows.ts';
import { fromRows, packingRules } from './quantizable.ts';
import type { PackedLayer } from './quantize-layers.ts';

/** Magnitudes from here on round to infinity in half precision. */
const HALF_LIMIT = 65_520;

/** The layers of a model that hold packed weights, with their paths. */
export function quantizedLayers(model: LayersModel): [path: string, layer: QuantizedLayer][] {
  return [...layerPaths(model)].flatMap(([layer, path]) =>
    layer instanceof QuantizedLayer ? [[path, layer] as [string, QuantizedLayer]] : [],
  );
}

/**
 * A model of the same topology that holds the given weights packed.
 *
 * @param copy Has the weights that stay: biases, normalisation, layers that are not in `packed`.
 * @param floats `float16` rounds those to what a file in half precision gives back.
 */
export async function assemble(
  copy: LayersModel,
  packed: readonly PackedLayer[],
  floats: 'float16' | 'float32',
): Promise<LayersModel> {
  const paths = new Map([...layerPaths(copy)].map(([layer, path]) => [path, layer]));
  const chains = new Map<string, NewLayer[]>();
  for (const { weight, matrices, activations } of packed) {
    const layer = paths.get(weight.path)!;
    const { batchInputShape: _, ...config } = layer.getConfig();
    const sizes = [...matrices].map(([name, matrix]) => [name, shapeConfig(shapeOf(matrix))] as const);
    const held = {
      layer: config,
      matrices: Object.fromEntries(sizes),
      activations: activations && { ...activations },
    };
    const bias = layer.weights.filter(({ originalName }) => originalName.endsWith('/bias'));
    const weights = await Promise.all(
      bias.map(async (each) => ({
        shape: each.shape as number[],
        values: await each.read().data<'float32'>(),
      })),
    );
    chains.set(weight.path, [{ name: layer.name, className: weight.rule.className, config: held, weights }]);
  }
  const model = await replaceLayers(copy, chains);
  try {
    const matricesOf = new Map(packed.map(({ weight, matrices }) => [weight.path, matrices]));
    for (const [path, layer] of quantizedLayers(model)) {
      const matrices = matricesOf.get(path);
      if (matrices) await layer.hold(matrices);
    }
    if (floats === 'float16') await roundToHalf(model);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return holdingModel(model);
}

/** Whether half precision holds every value exactly. */
export function isHalf(values: Float32Array): boolean {
  return values.every((value) => Object.is(fromFloat16Bits(toFloat16Bits(value)), value));
}

/** What is too large for half precision stays as it is. */
async function roundToHalf(model: LayersModel): Promise<void> {
  for (const variable of floatVariables(model)) {
    const values = await variable.data<'float32'>();
    if (values.some((value) => !(Math.abs(value) < HALF_LIMIT))) continue;
    tidy(() => variable.assign(tensor(fromFloat16(toFloat16(values)), variable.shape)));
  }
}

/** The variables of a model, each once. */
export function floatVariables(model: LayersModel): Variable[] {
  return [...new Set(model.weights.map(variableOf))].filter(({ dtype }) => dtype === 'float32');
}

/**
 * The float model that a compressed one stands for: ordinary layers under the same names, for `model.save`, for tools that
 * do not know packed weights, for training on. Activations are no longer rounded.
 *
 * @param model Of `compress` or a file; unchanged. The caller disposes of both.
 * @throws ArgumentError for a model without packed weights.
 *
 * @example
 * const plain = await exportLayersModel(small);
 * await plain.save('downloads://model');
 */
export async function exportLayersModel(model: LayersModel): Promise<LayersModel> {
  const chains = new Map<string, NewLayer[]>();
  for (const [path, layer] of quantizedLayers(model)) {
    const { className, config } = layer.float;
    const rule = packingRules[className]!;
    const values = fromRows(denseRows(layer.packed(), rule.weight), layer.weightShape(rule), rule);
    const rest = await Promise.all(
      layer.weights.map(async (each) => ({
        shape: each.shape as number[],
        values: await each.read().data<'float32'>(),
      })),
    );
    chains.set(path, [{ name: layer.name, className, config, weights: [values, ...rest] }]);
  }
  if (chains.size > 0) return replaceLayers(model, chains);
  throw new ArgumentError(
    `exportLayersModel: ${model.name} has no packed weights. Pass a model of compress or decodeCompressed.`,
  );
}

/**
 * Lets `model.save` write the float model, since TensorFlow.js has no format for packed weights, and `model.dispose` free the matrices of a layer
 * that is used twice, which TensorFlow.js counts as two.
 */
export function holdingModel(model: LayersModel): LayersModel {
  const dispose = model.dispose.bind(model);
  const layers = quantizedLayers(model);
  model.dispose = () => {
    const result = dispose();
    if (result.refCountAfterDispose === 0) for (const [, layer] of layers) layer.release();
    return result;
  };
  model.save = async (handler, config) => {
    const plain = await exportLayersModel(model);
    try {
      return await plain.save(handler, config);
    } finally {
      disposeModel(plain);
    }
  };
  return model;
}
