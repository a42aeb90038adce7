import type { Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError } from '@ockham/core';
import { weightKind } from '@ockham/core/metrics';
import { flatLayers, variableOf, type Layer } from '@ockham/core/training';

/** A kernel that pruning may thin out. */
export interface PrunableWeight {
  /** `layer/kernel`, unique within the model. */
  readonly name: string;
  /** The layer that has it. */
  readonly layer: Layer;
  /** Of the kernel, such as `[inputs, outputs]`. */
  readonly shape: readonly number[];
  /** Number of values. */
  readonly size: number;
  /** The variable itself; the model's, not a copy. */
  readonly variable: Variable;
}

/**
 * Every kernel of a model in the order of its layers, each once: dense, convolution (1D to 3D, transposed,
 * depthwise, separable), recurrent kernels, embedding tables and matrices of layers of one's own, those of nested
 * models included; the same that `countParameters` of `@ockham/core/metrics` counts as kernels. Biases and normalisation are not among
 * them: they are few, and are counted apart.
 */
export function prunableWeights(model: LayersModel): PrunableWeight[] {
  const seen = new Set<Variable>();
  const names = new Map<string, number>();
  const found: PrunableWeight[] = [];
  for (const layer of flatLayers(model)) {
    for (const weight of layer.weights) {
      const variable = variableOf(weight);
      if (weightKind(weight) !== 'kernel' || seen.has(variable)) continue;
      seen.add(variable);
      const name = `${layer.name}/${weight.originalName.split('/').at(-1)!}`;
      const repeats = names.get(name) ?? 0;
      names.set(name, repeats + 1);
      found.push({
        name: repeats === 0 ? name : `${name}#${repeats + 1}`,
        layer,
        shape: variable.shape,
        size: variable.size,
        variable,
      });
    }
  }
  return found;
}

/** Layers that stay dense: a name, a pattern on the name, a predicate, or a list of these. */
export type Exclude =
  string | RegExp | ((layer: Layer) => boolean) | readonly (string | RegExp | ((layer: Layer) => boolean))[];

/**
 * Refuses names that no layer has: a misspelt one would exclude nothing, without a word.
 *
 * @throws ArgumentError naming it and the layers there are.
 */
export function checkExclude(who: string, model: LayersModel, exclude: Exclude): void {
  const names = new Set(flatLayers(model).map((layer) => layer.name));
  for (const rule of [exclude].flat() as unknown[]) {
    if (typeof rule !== 'string' || names.has(rule)) continue;
    throw new ArgumentError(
      `${who}: exclude names ${rule}, but the model has no such layer, only ${[...names].join(', ')}.`,
    );
  }
}

/** Whether `exclude` names the layer. */
export function isExcluded(layer: Layer, exclude: Exclude): boolean {
  if (Array.isArray(exclude)) return exclude.some((rule: Exclude) => isExcluded(layer, rule));
  if (typeof exclude === 'string') return layer.name === exclude;
  if (exclude instanceof RegExp) return layer.name.search(exclude) >= 0;
  return (exclude as (layer: Layer) => boolean)(layer);
}
