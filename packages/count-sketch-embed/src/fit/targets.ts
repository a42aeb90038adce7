import { ArgumentError, UnsupportedModelError } from '@ockham/core';
import { layerPaths } from '@ockham/core/graph';
import type { Layer } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** Which tables: the layer's path (`outer/inner` in a nested model), or a pattern on it. */
export type EmbeddingTargets = string | RegExp | readonly (string | RegExp)[];

/**
 * The embedding layers of a model by path, all of them or those that `targets` name.
 *
 * @throws UnsupportedModelError for a model without any, or a table that masks its zeros.
 * @throws ArgumentError where a target matches none, listing those there are.
 */
export function embeddingLayers(
  who: string,
  model: LayersModel,
  targets: EmbeddingTargets | undefined,
): Map<string, Layer> {
  const paths = [...layerPaths(model)].map(([layer, path]) => [path, layer] as const);
  const all = paths.filter(([, layer]) => layer.getClassName() === 'Embedding');
  if (all.length === 0) {
    const tied = paths.find(([, layer]) => layer.getClassName() === 'TiedEmbedding');
    throw new UnsupportedModelError(
      tied
        ? `${who}: "${tied[0]}" is also the output of a language model, and stays. Load its weights into a model with another head first.`
        : `${who}: ${model.name} has no tf.layers.embedding. Its layers are ${paths.map(([path]) => path).join(', ')}.`,
    );
  }
  const rules = targets === undefined ? undefined : ([] as (string | RegExp)[]).concat(targets);
  for (const rule of rules ?? []) {
    if (all.some(([path]) => fits(rule, path))) continue;
    throw new ArgumentError(
      `${who}: targets ${String(rule)} matches no embedding layer. There are: ${all.map(([path]) => path).join(', ')}.`,
    );
  }
  const chosen = rules ? all.filter(([path]) => rules.some((rule) => fits(rule, path))) : all;
  const masking = chosen.find(([, layer]) => layer.getConfig()['maskZero'] === true);
  if (masking) {
    throw new UnsupportedModelError(
      `${who}: "${masking[0]}" hides its zeros from later layers (maskZero), and a compressed table does not. Build the model without it, or leave this table out.`,
    );
  }
  return new Map(chosen);
}

function fits(rule: string | RegExp, path: string): boolean {
  return typeof rule === 'string' ? rule === path : path.search(rule) >= 0;
}
