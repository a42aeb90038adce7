import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, NonFiniteError, NothingChangedError, UnsupportedModelError } from '@ockham/core';
import { layerPaths, replaceLayers, type NewLayer } from '@ockham/core/graph';
import { factorNames, matrixShape, refusalOf, splitLayer, type Factors } from './split-layer.ts';

/**
 * Writes chosen layers as two ordinary layers with the given factors, W ≈ U Vᵀ: dense m → n becomes `name/u`, m → r
 * without bias, and `name/v`, r → n with the old bias and activation; a convolution becomes one of the same size onto r
 * filters (strides, padding and dilation kept) and one of 1×1. All other layers, batch normalisation and dropout
 * among them, stay as they are.
 *
 * @param model Not changed; sequential or functional, nested models included. The result is not compiled, and the
 *   caller disposes of it.
 * @param factors By the layer's name, `outer/inner` within a nested model. `u` `[m, r]`, `v` `[n, r]`, where n is the
 *   number of outputs and m that of inputs, k·k·channels for a convolution, in the order of its kernel.
 * @throws ArgumentError for a name that the model does not have, or factors whose sizes do not fit the layer.
 * @throws NonFiniteError for a factor with a NaN or an infinity.
 * @throws UnsupportedModelError for a layer that cannot be written as two.
 * @throws NothingChangedError if `factors` is empty.
 *
 * @example
 * const thin = await replaceByFactors(model, new Map([['fc1', { u, v }]]));
 */
export async function replaceByFactors(
  model: LayersModel,
  factors: ReadonlyMap<string, Factors>,
): Promise<LayersModel> {
  const layers = new Map([...layerPaths(model)].map(([layer, path]) => [path, layer]));
  for (const [path, given] of factors) {
    const layer = layers.get(path);
    if (layer === undefined) {
      throw new ArgumentError(
        `replaceByFactors: ${model.name} has no layer "${path}". Its layers are ${[...layers.keys()].join(', ')}.`,
      );
    }
    const refusal = refusalOf(layer);
    if (refusal)
      throw new UnsupportedModelError(
        `replaceByFactors: "${path}" stays one layer: ${refusal}. Leave it out.`,
      );
    checkFactors(path, matrixShape(layer), given);
  }
  if (factors.size === 0)
    throw new NothingChangedError(
      'replaceByFactors: no layer is to be replaced. Pass at least one pair of factors.',
    );
  const namesOf = factorNames([...layers.keys()]);
  const chains = new Map<string, NewLayer[]>();
  for (const [path, given] of factors) {
    const layer = layers.get(path)!;
    const folder = path.slice(0, path.length - layer.name.length); // names may contain slashes themselves
    const [u, v] = namesOf(path).map((made) => made.slice(folder.length)) as [string, string];
    chains.set(path, await splitLayer(layer, given, [u, v]));
  }
  return replaceLayers(model, chains);
}

function checkFactors(path: string, [m, n]: readonly [number, number], { u, v }: Factors): void {
  const most = Math.min(m, n);
  if (u.rows !== m || v.rows !== n || u.columns !== v.columns || u.columns < 1 || u.columns > most) {
    throw new ArgumentError(
      `replaceByFactors: "${path}" needs u [${m}, r] and v [${n}, r] with r in [1, min(m, n)] = [1, ${most}], got u [${u.rows}, ${u.columns}] and v [${v.rows}, ${v.columns}].`,
    );
  }
  for (const [name, { values }] of Object.entries({ u, v })) {
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad < 0) continue;
    throw new NonFiniteError(
      `replaceByFactors: the factor ${name} of "${path}" must be finite, got ${values[bad]} at position ${bad}. Find where it came from.`,
    );
  }
}
