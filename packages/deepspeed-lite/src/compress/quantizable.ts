/** Which layers have a weight that can be packed, and how it lies in a packed matrix. */
import { layerPaths, type WeightValues } from '@ockham/core/graph';
import { variableOf, type Layer } from '@ockham/core/training';
import type { Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** How the weight of a layer class is packed. */
export interface PackingRule {
  /** Last part of the weight's name. */
  readonly weight: 'kernel' | 'embeddings';
  /** Whether the matrix is the transpose: a kernel's last axis are outputs, a table's rows have scales of their own. */
  readonly transposed: boolean;
  /** The layer that holds it packed. */
  readonly className: string;
}

/** By class name. Any other layer keeps its weights as floats. */
export const packingRules: Readonly<Record<string, PackingRule>> = {
  Dense: { weight: 'kernel', transposed: true, className: 'QuantizedDense' },
  Conv2D: { weight: 'kernel', transposed: true, className: 'QuantizedConv2D' },
  Embedding: { weight: 'embeddings', transposed: false, className: 'QuantizedEmbedding' },
  TiedEmbedding: { weight: 'embeddings', transposed: false, className: 'QuantizedTiedEmbedding' },
  PositionEmbedding: { weight: 'embeddings', transposed: false, className: 'QuantizedPositionEmbedding' },
};

/** A weight that can be packed. */
export interface QuantizableWeight {
  /** Of the layer: its name, or `outer/inner` in a nested model. */
  readonly path: string;
  /** The layer that has it. */
  readonly layer: Layer;
  /** How its axes become the packed matrix. */
  readonly rule: PackingRule;
  /** The variable itself; the model's, not a copy. */
  readonly variable: Variable;
  /** Of the packed matrix. A convolution's inputs are height · width · channels of its filter, in that order. */
  readonly outputs: number;
  /** See {@link QuantizableWeight.outputs}. */
  readonly inputs: number;
}

/**
 * The weights of a model that can be packed, in the model's order: dense and convolution kernels (channels last), tables
 * of words and positions. A layer that is used twice is there once.
 *
 * @example
 * for (const { path, outputs, inputs } of quantizableWeights(model)) sizes.set(path, outputs * inputs);
 */
export function quantizableWeights(model: LayersModel): QuantizableWeight[] {
  return [...layerPaths(model)].flatMap(([layer, path]) => {
    const rule = packingRules[layer.getClassName()];
    const { dataFormat } = layer as unknown as { dataFormat?: string };
    if (!rule || dataFormat === 'channelsFirst') return [];
    const weight = layer.weights.find(({ originalName }) => originalName.endsWith(`/${rule.weight}`));
    if (!weight) return [];
    const variable = variableOf(weight);
    const first = variable.size / variable.shape.at(-1)!;
    const last = variable.shape.at(-1)!;
    const [outputs, inputs] = rule.transposed ? [last, first] : [first, last];
    return [{ path, layer, rule, variable, outputs: outputs, inputs: inputs }];
  });
}

/** The values of a weight as rows of a packed matrix, `[outputs, inputs]`. */
export function toRows(
  values: Float32Array,
  outputs: number,
  inputs: number,
  rule: PackingRule,
): Float32Array {
  return rule.transposed ? transposed(values, inputs, outputs) : values;
}

/** Rows of a packed matrix as the layer's own weight of `shape`. */
export function fromRows(rows: Float32Array, shape: readonly number[], rule: PackingRule): WeightValues {
  const last = shape.at(-1)!;
  return { shape, values: rule.transposed ? transposed(rows, last, rows.length / last) : rows };
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) result[c * rows + r] = values[r * columns + c]!;
  }
  return result;
}
