import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError } from '@ockham/core';
import { layerPaths } from '@ockham/core/graph';
import { cloneModel } from '@ockham/core/models';
import { variableOf, type Layer } from '@ockham/core/training';
import { matMul, reshape, tidy, type Tensor2D } from '@tensorflow/tfjs-core';
import { factorNames } from './split-layer.ts';

/**
 * Undoes {@link replaceByFactors} and `compressLowRank`: a model with the layers of the original, where a layer that
 * was written as two has the product of the two kernels, so that it can be truncated once more.
 *
 * @param thin Not changed.
 * @param original The model that `thin` was made from; it gives the layers, none of its weights. Not changed.
 * @returns A model that computes what `thin` does, but for rounding. It is not compiled, and the caller disposes of it.
 * @throws ArgumentError where `thin` was made from another model.
 *
 * @example
 * const merged = await mergeFactors(thin, model);
 * const { model: thinner } = await compressLowRank(merged, { maxParameters: 10_000, data, retrain: { teacher: model } });
 */
export async function mergeFactors(thin: LayersModel, original: LayersModel): Promise<LayersModel> {
  const parts = new Map([...layerPaths(thin)].map(([layer, path]) => [path, layer]));
  const merged = await cloneModel(original);
  try {
    const layers = [...layerPaths(merged)];
    const namesOf = factorNames(layers.map(([, path]) => path));
    for (const [layer, path] of layers) {
      if (layer.weights.length === 0) continue;
      const [u, v] = namesOf(path).map((name) => parts.get(name));
      assign(path, layer, parts.get(path), u && v && { u, v });
    }
    return merged;
  } catch (error) {
    merged.dispose();
    throw error;
  }
}

/** Gives a layer the weights of the one, or of the two, that stand for it. */
function assign(
  path: string,
  layer: Layer,
  same: Layer | undefined,
  two: { readonly u: Layer; readonly v: Layer } | undefined,
): void {
  const shapes = (weights: Layer['weights']) => weights.map(({ shape }) => `[${shape.join(', ')}]`).join(' ');
  const sources = same?.weights ?? two?.v.weights;
  const fits = same
    ? shapes(same.weights) === shapes(layer.weights)
    : two?.v.weights.length === layer.weights.length &&
      two.u.weights[0]!.shape.slice(0, -1).join() === layer.weights[0]!.shape.slice(0, -1).join() &&
      two.v.weights[0]!.shape.at(-1) === layer.weights[0]!.shape.at(-1);
  if (!sources || !fits) {
    throw new ArgumentError(
      `mergeFactors: the thin model must be made from the original, but nothing in it stands for "${path}" with weights ${shapes(layer.weights)}. Pass the model that it was made from.`,
    );
  }
  tidy(() => {
    for (const [i, weight] of layer.weights.entries()) {
      const value =
        same || i > 0
          ? sources[i]!.read()
          : reshape(product(two!.u.weights[0]!, sources[0]!), weight.shape as number[]);
      variableOf(weight).assign(value);
    }
  });
}

/** U Vᵀ of the kernels of two layers, `[m, n]`. */
function product(u: Layer['weights'][number], v: Layer['weights'][number]): Tensor2D {
  const r = u.shape.at(-1)!;
  return matMul(reshape(u.read(), [-1, r]), reshape(v.read(), [r, -1]));
}
